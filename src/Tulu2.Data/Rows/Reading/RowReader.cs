using System.Text.Json;
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
    public static string Version { get; } = string.Join(' ', ["rows-3", .. RowSources.AddedNames]);

    /// <summary>Instruction rows, e.g. <c>{dataset, id, system, messages: [{role, content, weight}]}</c>.</summary>
    /// <param name="source">Name of the row source; null: the records decide.</param>
    /// <exception cref="Files.BadInputException">
    /// The file is missing, unreadable, or begins like Parquet but is not; or there is no such source. Thrown when the rows are enumerated.
    /// </exception>
    public static IEnumerable<RowResult<MessageRow>> ReadMessages(string path, string? source = null) => Read<MessageRow>(path, source);

    /// <summary>Preference rows, e.g. <c>chosen</c> and <c>rejected</c> as message lists or as texts after a <c>prompt</c>.</summary>
    /// <inheritdoc cref="ReadMessages" path="/param"/>
    /// <inheritdoc cref="ReadMessages" path="/exception"/>
    public static IEnumerable<RowResult<PreferenceRow>> ReadPreferences(string path, string? source = null) => Read<PreferenceRow>(path, source);

    private static IEnumerable<RowResult<TRow>> Read<TRow>(string path, string? name)
        where TRow : class
    {
        var source = name is null ? null : RowSources.Named<TRow>(name);
        foreach (var record in RecordReader.Open(path, RowSources.Columns))
        {
            var location = new RowLocation(path, record.Line);
            if (record.Fault is not null) yield return new RowFault(location, record.Fault, record.Damage ? RowFaultKind.DamagedFile : RowFaultKind.Broken);
            else yield return Convert(record.Element, location, ref source);
        }
    }

    private static RowResult<TRow> Convert<TRow>(JsonElement record, RowLocation location, ref IRowSource<TRow>? source)
        where TRow : class
    {
        if (record.ValueKind != JsonValueKind.Object) return new RowFault(location, $"the row is {JsonFields.Describe(record)}, not an object");
        try
        {
            source ??= RowSources.BestMatch<TRow>(record);
            return (source ?? RowSources.Default<TRow>()).Convert(record, location);
        }
        catch (InvalidOperationException)
        {
            // Only string transcoding gets here: half a surrogate pair, or bytes that are not UTF-8, inside a string.
            return new RowFault(location, "the text is not valid Unicode (a lone surrogate, or bytes that are not UTF-8)");
        }
    }
}
