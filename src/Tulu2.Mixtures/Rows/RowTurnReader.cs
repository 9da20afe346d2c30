using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Rows.Records;

namespace Tulu2.Mixtures.Rows;

/// <summary>Reads the turns of a file's rows, in any form that <c>train</c> reads. Records come in order; their rows may be made by several threads.</summary>
internal sealed class RowTurnReader
{
    private readonly RowConversion<MessageRow>? _rows;
    private readonly RowConversion<PreferenceRow>? _pairs;
    private readonly RowConversion<UnpairedRow>? _unpaired;

    /// <exception cref="Files.BadInputException">The file, its form or its columns cannot be used.</exception>
    public RowTurnReader(DataFile file)
    {
        File = file;
        var kind = RowKinds.Find(file);
        if (kind == RowKind.Unpaired) _unpaired = new RowConversion<UnpairedRow>(file);
        else if (kind == RowKind.Preferences) _pairs = new RowConversion<PreferenceRow>(file);
        else _rows = new RowConversion<MessageRow>(file);
    }

    public DataFile File { get; }

    public IEnumerable<RawRecord> Records() => RecordReader.Open(File.Path, _rows?.Wanted ?? _unpaired?.Wanted ?? _pairs!.Wanted);

    /// <inheritdoc cref="RowConversion{TRow}.SourceOf"/>
    public IRowSource? SourceOf(RawRecord record) => _rows is not null ? _rows.SourceOf(record)
        : _unpaired is not null ? _unpaired.SourceOf(record) : _pairs!.SourceOf(record);

    /// <inheritdoc cref="RowConversion{TRow}.Convert"/>
    public RowResult<RowTurns> Convert(RawRecord record, IRowSource? source)
    {
        if (_rows is not null)
            return _rows.Convert(record, (IRowSource<MessageRow>?)source) is var (row, fault) && row is not null ? RowTurns.Of(row) : fault!;
        if (_unpaired is not null)
            return _unpaired.Convert(record, (IRowSource<UnpairedRow>?)source) is var (answer, why) && answer is not null ? RowTurns.Of(answer) : why!;
        return _pairs!.Convert(record, (IRowSource<PreferenceRow>?)source) is var (pair, reason) && pair is not null ? RowTurns.Of(pair) : reason!;
    }
}
