using System.Text.Json;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;

namespace Tulu2.Data.Rows.Reading;

/// <summary>The forms of rows that can be read, by name.</summary>
public static class RowFormats
{
    public static IReadOnlyList<string> Names { get; } = [.. RowSources.All.Select(source => source.Name)];

    /// <summary>The form that the file is read as: the one that is named, or else the one of the first record that matches one. Null if none does.</summary>
    /// <param name="kind">Of the rows that are wanted; null: any.</param>
    /// <exception cref="BadInputException">The file is missing or cannot be read, or there is no form of that name.</exception>
    public static string? Of(DataFile file, RowKind? kind = null) => First(file, kind)?.Source.Name;

    /// <summary>One line for people that says which form was found where none is named; null: all files name theirs, or have no row of any form.</summary>
    /// <param name="kind">Of the rows that are wanted; null: any.</param>
    public static string? Found(IReadOnlyList<DataFile> files, RowKind? kind = null)
    {
        var found = files.Where(file => file.Format is null).Select(file => (file.Path, Form: Of(file, kind))).Where(file => file.Form is not null).GroupBy(file => file.Form).ToList();
        return found.Count switch
        {
            0 => null,
            1 => $"rows are read as {found[0].Key}",
            _ => $"rows are read as {string.Join("; as ", found.Select(form => $"{form.Key}: {string.Join(", ", form.Select(file => System.IO.Path.GetFileName(file.Path)))}"))}",
        };
    }

    /// <summary>The first record that matches a source, with that source and the kinds of rows whose keys it has in full.</summary>
    internal static (IRowSource Source, RowKind[] Complete)? First(DataFile file, RowKind? kind = null)
    {
        if (file.Format is { } name)
        {
            var named = RowSources.Named(name);
            return (named, [named.Kind]);
        }
        var map = new ColumnMap(file.Columns);
        try
        {
            foreach (var record in RecordReader.Open(RecordFile.Unexamined(file.Path), map.Wanted))
            {
                if (record is not { Fault: null, Element.ValueKind: JsonValueKind.Object }) continue;
                var row = map.Apply(record.Element);
                if (RowSources.BestMatch(row, kind) is { } source)
                    return (source, [.. RowSources.All.Where(other => other.Match(row) >= Likeness.Complete).Select(other => other.Kind)]);
            }
        }
        catch (PackedDamageException)
        {
            // Reading the rows reports it.
        }
        return null;
    }
}
