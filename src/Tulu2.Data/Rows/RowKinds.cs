using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Data.Rows;

/// <summary>What a row is.</summary>
public enum RowKind
{
    /// <summary>An instruction row: a dialogue whose assistant turns are learnt.</summary>
    Messages,
    /// <summary>A preference pair: two answers, chosen and rejected.</summary>
    Preferences,
}

/// <summary>
/// Which kind of rows a file holds: the one rule of every command. A row tells it by its keys, whether or not it can be used: <c>chosen</c> and <c>rejected</c> make a
/// pair, whatever stands beside them; anything else that has <c>messages</c> is an instruction row. The first row that tells decides, be it the last one of the file.
/// </summary>
public static class RowKinds
{
    /// <summary>Null if no row tells.</summary>
    /// <exception cref="BadInputException">The file is missing or cannot be read.</exception>
    public static RowKind? Find(string path) => Told(path)?.Kind;

    /// <summary>
    /// Whether the file's rows can be read as <paramref name="kind"/> where somebody asks for it: as its own kind, and pairs with <c>messages</c> beside them as
    /// instruction rows too. A file in which no row tells can.
    /// </summary>
    /// <exception cref="BadInputException">The file is missing or cannot be read.</exception>
    public static bool CanBeReadAs(string path, RowKind kind) =>
        Told(path) is not { } told || told.Kind == kind || (kind == RowKind.Messages && told.HasMessages);

    /// <summary>The kind of all files together, told by the first one that tells; instruction rows if none does, and reading them says what is wrong.</summary>
    /// <exception cref="BadInputException">A file is missing or cannot be read, or two files are of different kinds.</exception>
    public static RowKind Of(params IReadOnlyList<string> paths)
    {
        (string Path, RowKind Kind)? first = null;
        foreach (var path in paths)
        {
            if (Find(path) is not { } kind) continue;
            first ??= (path, kind);
            if (first.Value.Kind != kind)
                throw new BadInputException(path, $"holds {Name(kind)}, but {first.Value.Path} holds {Name(first.Value.Kind)}", "give files of one kind at a time");
        }
        return first?.Kind ?? RowKind.Messages;
    }

    /// <summary>For people.</summary>
    public static string Name(RowKind kind) => kind == RowKind.Preferences ? "preference pairs" : "instruction rows";

    private static (RowKind Kind, bool HasMessages)? Told(string path)
    {
        try
        {
            foreach (var record in RecordSource.Open(SourceFile.Unexamined(path)))
                if (record.Fault is null && Of(record.Element) is { } kind) return (kind, record.Element.TryGetProperty(RowKeys.Messages, out _));
        }
        catch (GzipDamageException)
        {
            // Whoever reads the rows says so.
        }
        return null;
    }

    private static RowKind? Of(JsonElement row)
    {
        if (row.ValueKind != JsonValueKind.Object) return null;
        if (PreferenceRowParser.IsPair(row)) return RowKind.Preferences;
        if (row.TryGetProperty(RowKeys.Messages, out _)) return RowKind.Messages;
        return row.TryGetProperty(RowKeys.Chosen, out _) || row.TryGetProperty(RowKeys.Rejected, out _) ? RowKind.Preferences : null;
    }
}
