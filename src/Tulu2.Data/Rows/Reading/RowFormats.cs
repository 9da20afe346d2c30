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

    /// <summary>
    /// One look at a file's first records: whether its rows can be read as <paramref name="wanted"/> (<see cref="RowKinds.CanBeReadAs"/>), and the form that they
    /// are then read as.
    /// </summary>
    /// <exception cref="BadInputException">As for <see cref="Of"/>.</exception>
    public static (bool CanBeRead, string? Form) Look(DataFile file, RowKind wanted)
    {
        if (file.Format is { } name) return (RowKinds.Gives(RowSources.Named(name).Kind, wanted), name);
        bool? can = null;
        string? form = null;
        Scan(file, row =>
        {
            if (can is null && RowSources.BestMatch(row) is { } first)
            {
                can = RowKinds.Gives(first.Kind, wanted) || Complete(row).Contains(wanted);
                // Rows of another kind are read as what they are, and made rows of the wanted kind then.
                if (first.Kind != wanted && RowKinds.Gives(first.Kind, wanted)) form = first.Name;
            }
            form ??= RowSources.BestMatch(row, wanted)?.Name;
            return form is not null || can is false;
        });
        return (can ?? true, form);
    }

    /// <summary>One line for people that says which form was found where none is named; null: all files name theirs, or have no row of any form.</summary>
    /// <param name="kind">Of the rows that are wanted; null: any.</param>
    public static string? Found(IReadOnlyList<DataFile> files, RowKind? kind = null) => Found([.. files.Select(file => (file, Of(file, kind)))]);

    /// <summary>The same of forms that are known already.</summary>
    public static string? Found(IReadOnlyList<(DataFile File, string? Form)> files)
    {
        var found = files.Where(file => file.File.Format is null && file.Form is not null).GroupBy(file => file.Form).ToList();
        return found.Count switch
        {
            0 => null,
            1 => $"rows are read as {found[0].Key}",
            _ => $"rows are read as {string.Join("; as ", found.Select(form => $"{form.Key}: {string.Join(", ", form.Select(file => Path.GetFileName(file.File.Path)))}"))}",
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
        (IRowSource, RowKind[])? first = null;
        Scan(file, row =>
        {
            if (RowSources.BestMatch(row, kind) is { } source) first = (source, Complete(row));
            return first is not null;
        });
        return first;
    }

    private static RowKind[] Complete(JsonElement row) => [.. RowSources.All.Where(source => source.Match(row) >= Likeness.Complete).Select(source => source.Kind)];

    // Until a record is the one that was looked for.
    private static void Scan(DataFile file, Func<JsonElement, bool> isFound)
    {
        var map = new ColumnMap(file.Columns);
        try
        {
            foreach (var record in RecordReader.Open(RecordFile.Unexamined(file.Path), map.Wanted))
                if (record is { Fault: null, Element.ValueKind: JsonValueKind.Object } && isFound(map.Apply(record.Element))) return;
        }
        catch (PackedDamageException)
        {
            // Reading the rows reports it.
        }
    }
}
