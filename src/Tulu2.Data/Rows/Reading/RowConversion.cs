using System.Text.Json;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Records;

namespace Tulu2.Data.Rows.Reading;

/// <summary>Makes rows of the records of one file. Which source reads a record depends on the records before it; the conversion itself does not.</summary>
internal sealed class RowConversion<TRow>(DataFile file)
    where TRow : class
{
    private readonly ColumnMap _columns = new(file.Columns);
    private IRowSource<TRow>? _source = file.Format is null ? null : RowSources.Named<TRow>(file.Format);

    /// <summary>Columns to read of a table.</summary>
    public RecordColumns Wanted => _columns.Wanted;

    /// <summary>The source that reads a record; null: none matches so far. To be asked for every record, in the file's order.</summary>
    public IRowSource<TRow>? SourceOf(RawRecord record)
    {
        if (_source is not null || record is not { Fault: null, Element.ValueKind: JsonValueKind.Object }) return _source;
        try
        {
            return _source = RowSources.BestMatch<TRow>(_columns.Apply(record.Element));
        }
        catch (InvalidOperationException)
        {
            // The text is not valid Unicode, which the conversion reports.
            return null;
        }
    }

    /// <summary>The record's row. Pure: several threads may convert at a time.</summary>
    public RowResult<TRow> Convert(RawRecord record, IRowSource<TRow>? source)
    {
        var location = new RowLocation(file.Path, record.Line);
        if (record.Fault is not null) return new RowFault(location, record.Fault, record.Damage ? RowFaultKind.DamagedFile : RowFaultKind.Broken);
        if (record.Element.ValueKind != JsonValueKind.Object) return new RowFault(location, $"the row is {JsonFields.Describe(record.Element)}, not an object");
        try
        {
            var row = _columns.Apply(record.Element);
            var result = (source ?? RowSources.Default<TRow>()).Convert(row, location);
            if (result.Fault is null) return result;
            if (_columns.Missing(record.Element) is { } missing) return new RowFault(location, missing);
            return source is not null && Other(row, source) is { } other
                ? new RowFault(location, $"the row is of the form {other.Name}, but the file is read as {source.Name}: give each form a file of its own") : result;
        }
        catch (InvalidOperationException)
        {
            return new RowFault(location, JsonFields.InvalidText);
        }
    }

    // The form of the same kind of rows that a record has in full, where it has not that of its file.
    private static IRowSource<TRow>? Other(JsonElement row, IRowSource<TRow> source) =>
        source.Match(row) < Likeness.Complete && RowSources.BestMatch<TRow>(row) is { } other && other.Match(row) >= Likeness.Complete ? other : null;
}
