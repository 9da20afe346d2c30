using System.Text.Json;

namespace Tulu2.Data.Rows;

/// <summary>
/// Reads rows from JSON Lines, a JSON array or Parquet, plain or gzip; the form is told by the file's first bytes, not by its name. Rows stream:
/// memory does not grow with the file. Fields that mean nothing to any trainer are left alone; <see cref="RowKeys"/> says which do. Whatever cannot be used
/// comes out as a fault with its place, in file order.
/// Of a damaged file the whole rows before the damage come out, and then one fault of kind <see cref="RowFaultKind.DamagedFile"/>; never a row that the file does
/// not hold.
/// </summary>
public static class RowReader
{
    /// <summary>Part of every key of cached tokens: changes whenever the same file would give other rows or faults.</summary>
    public const string Version = "rows-3";

    /// <summary>Instruction rows <c>{dataset, id, system, messages: [{role, content, weight}]}</c>.</summary>
    /// <exception cref="Files.BadInputException">The file is missing, unreadable or no Parquet file although it begins like one.</exception>
    public static IEnumerable<RowResult<MessageRow>> ReadMessages(string path) => Read(path, MessageRowParser.Parse);

    /// <summary>Preference rows: <c>chosen</c> and <c>rejected</c> as message lists or as texts after a <c>prompt</c>.</summary>
    /// <exception cref="Files.BadInputException">As for <see cref="ReadMessages"/>.</exception>
    public static IEnumerable<RowResult<PreferenceRow>> ReadPreferences(string path) => Read(path, PreferenceRowParser.Parse);

    private static IEnumerable<RowResult<TRow>> Read<TRow>(string path, Func<JsonElement, RowLocation, RowResult<TRow>> parse)
        where TRow : class
    {
        foreach (var record in RecordSource.Open(path))
        {
            var location = new RowLocation(path, record.Line);
            if (record.Fault is not null) yield return new RowFault(location, record.Fault, record.Damage ? RowFaultKind.DamagedFile : RowFaultKind.Broken);
            else yield return ParseGuarded(record.Element, location, parse);
        }
    }

    private static RowResult<TRow> ParseGuarded<TRow>(
        JsonElement element, RowLocation location, Func<JsonElement, RowLocation, RowResult<TRow>> parse)
        where TRow : class
    {
        if (element.ValueKind != JsonValueKind.Object)
            return new RowFault(location, $"the row is {JsonFields.Describe(element)}, not an object");
        try
        {
            return parse(element, location);
        }
        catch (InvalidOperationException)
        {
            // Only string transcoding gets here: half a surrogate pair, or bytes that are no UTF-8, inside a string.
            return new RowFault(location, "the text is not valid Unicode (a lone surrogate, or bytes that are not UTF-8)");
        }
    }
}
