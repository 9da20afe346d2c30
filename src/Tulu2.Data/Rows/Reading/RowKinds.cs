using System.Text.Json;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;

namespace Tulu2.Data.Rows.Reading;

/// <summary>
/// Which kind of rows a file holds: the one rule of every command. The first record that matches a row source by its keys decides, whether or not it can be
/// converted
/// and even if it is the file's last.
/// </summary>
public static class RowKinds
{
    /// <summary>Null if no record matches.</summary>
    /// <exception cref="BadInputException">The file is missing or cannot be read.</exception>
    public static RowKind? Find(string path) => FirstMatch(path)?.Kind;

    /// <summary>
    /// Whether the file's rows can be read as <paramref name="kind"/> when asked for: rows of that kind, and rows of another kind that have all keys of this
    /// one too
    /// (pairs with <c>messages</c> beside them). Also a file in which no record matches.
    /// </summary>
    /// <exception cref="BadInputException">The file is missing or cannot be read.</exception>
    public static bool CanBeReadAs(string path, RowKind kind) => FirstMatch(path) is not { } match || match.Kind == kind || match.AlsoComplete.Contains(kind);

    /// <summary>
    /// The kind of all files together, decided by the first one that matches; instruction rows if none does, and reading them says what is wrong.
    /// </summary>
    /// <exception cref="BadInputException">A file is missing or cannot be read, or two files are of different kinds.</exception>
    public static RowKind Of(params IReadOnlyList<string> paths)
    {
        (string Path, RowKind Kind)? first = null;
        foreach (var path in paths)
        {
            if (Find(path) is not { } kind) continue;
            first ??= (path, kind);
            if (first.Value.Kind != kind)
                throw new BadInputException(path, $"holds {Name(kind)}, but {first.Value.Path} holds {Name(first.Value.Kind)}",
                    "give files of one kind at a time");
        }
        return first?.Kind ?? RowKind.Messages;
    }

    /// <summary>For people.</summary>
    public static string Name(RowKind kind) => kind == RowKind.Preferences ? "preference pairs" : "instruction rows";

    private static (RowKind Kind, RowKind[] AlsoComplete)? FirstMatch(string path)
    {
        try
        {
            foreach (var record in RecordReader.Open(RecordFile.Unexamined(path), RowSources.Columns))
                if (record is { Fault: null, Element.ValueKind: JsonValueKind.Object } && RowSources.BestMatch(record.Element) is { } source)
                    return (source.Kind, [.. RowSources.All.Where(other => other.Match(record.Element) >= Likeness.Complete).Select(other => other.Kind)]);
        }
        catch (GzipDamageException)
        {
            // Reading the rows reports it.
        }
        return null;
    }
}
