using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Records;

namespace Tulu2.Data.Rows.Reading;

/// <summary>
/// Reads rows from JSON Lines, a JSON array or Parquet, plain or gzip; the file's first bytes decide which, not its name. Rows stream: memory does not grow
/// with the
/// file. Unless a row source is named, the first record that matches one of the wanted kind decides which source reads the file. Keys without a meaning to any
/// trainer
/// are ignored (see <see cref="RowKeys"/>). Whatever cannot be used comes out as a fault with its location, in file order.
/// A damaged file gives the whole rows before the damage and then one fault of kind <see cref="RowFaultKind.DamagedFile"/>; never a row that is not in the
/// file.
/// </summary>
public static class RowReader
{
    /// <summary>
    /// Part of the key of every token store: changes whenever the same file would give other rows or faults, so also with each added row source.
    /// </summary>
    public static string Version { get; } = string.Join(' ', ["rows-5", .. RowSources.AddedNames]);

    /// <summary>Instruction rows, e.g. <c>{dataset, id, system, messages: [{role, content, weight}]}</c>.</summary>
    /// <exception cref="Files.BadInputException">
    /// The file is missing, unreadable, or begins like Parquet but is not; or its form or columns are none that there are. Thrown when the rows are enumerated.
    /// </exception>
    public static IEnumerable<RowResult<MessageRow>> ReadMessages(DataFile file) =>
        file.Learn == LearntTurns.All ? Read<MessageRow>(file) : Read<MessageRow>(file).Select(result => result.Row is { } row ? OnlyLast(row) : result);

    /// <summary>Preference rows, e.g. <c>chosen</c> and <c>rejected</c> as message lists or as texts after a <c>prompt</c>.</summary>
    /// <inheritdoc cref="ReadMessages" path="/exception"/>
    public static IEnumerable<RowResult<PreferenceRow>> ReadPreferences(DataFile file) => Read<PreferenceRow>(file);

    /// <summary>
    /// Unpaired preferences: <c>prompt</c>, <c>completion</c> and <c>label</c>. A pair of a file of preference pairs gives two, the chosen answer as a desirable one
    /// and then the rejected as an undesirable one.
    /// </summary>
    /// <inheritdoc cref="ReadMessages" path="/exception"/>
    public static IEnumerable<RowResult<UnpairedRow>> ReadUnpaired(DataFile file) =>
        RowKinds.Find(file) == RowKind.Preferences ? ReadPreferences(file).SelectMany(Unpaired) : Read<UnpairedRow>(file);

    private static IEnumerable<RowResult<UnpairedRow>> Unpaired(RowResult<PreferenceRow> result)
    {
        if (result.Row is not { } pair) return [result.Fault!];
        return [Side(pair.Chosen, desirable: true), Side(pair.Rejected, desirable: false)];

        RowResult<UnpairedRow> Side(IReadOnlyList<Message> dialogue, bool desirable) => new UnpairedRow(pair.Id, dialogue, desirable, pair.Location) { Dataset = pair.Dataset };
    }

    private static IEnumerable<RowResult<TRow>> Read<TRow>(DataFile file)
        where TRow : class
    {
        var conversion = new RowConversion<TRow>(file);
        foreach (var record in RecordReader.Open(file.Path, conversion.Wanted)) yield return conversion.Convert(record, conversion.SourceOf(record));
    }

    private static MessageRow OnlyLast(MessageRow row)
    {
        var last = row.Messages.ToList().FindLastIndex(message => message.Role == Message.Assistant);
        return row with { Messages = [.. row.Messages.Select((message, index) => index < last && message.Role == Message.Assistant ? message with { Learnt = false } : message)] };
    }
}
