using Tulu2.Files;

namespace Tulu2.Data.Rows.Reading;

/// <summary>
/// Which kind of rows a file holds: the one rule of every command. The form that is named decides, or else the first record that matches a form by its keys,
/// whether or not it can be converted and even if it is the file's last.
/// </summary>
public static class RowKinds
{
    /// <summary>Null if no record matches.</summary>
    /// <exception cref="BadInputException">The file is missing or cannot be read.</exception>
    public static RowKind? Find(DataFile file) => RowFormats.First(file)?.Source.Kind;

    /// <summary>
    /// Whether the file's rows can be read as <paramref name="kind"/>: rows of that kind, and rows of another kind that have all keys of this one too (pairs with
    /// <c>messages</c> beside them). Preference pairs can be read as unpaired ones. Also a file in which no record matches.
    /// </summary>
    /// <exception cref="BadInputException">The file is missing or cannot be read.</exception>
    public static bool CanBeReadAs(DataFile file, RowKind kind) => RowFormats.Look(file, kind).CanBeRead;

    /// <summary>
    /// The kind of all files together, decided by the first one that matches; instruction rows if none does, and reading them says what is wrong.
    /// </summary>
    /// <exception cref="BadInputException">A file is missing or cannot be read, or two files are of different kinds.</exception>
    public static RowKind Of(params IReadOnlyList<DataFile> files)
    {
        (string Path, RowKind Kind)? first = null;
        foreach (var file in files)
        {
            if (Find(file) is not { } kind) continue;
            first ??= (file.Path, kind);
            if (first.Value.Kind != kind)
                throw new BadInputException(file.Path, $"holds {Name(kind)}, but {first.Value.Path} holds {Name(first.Value.Kind)}",
                    "give files of one kind at a time");
        }
        return first?.Kind ?? RowKind.Messages;
    }

    /// <summary>For people.</summary>
    public static string Name(RowKind kind) => kind switch
    {
        RowKind.Preferences => "preference pairs",
        RowKind.Unpaired => "unpaired preferences",
        _ => "instruction rows",
    };

    /// <summary>Rows of the kind <paramref name="found"/> can be made rows of the kind <paramref name="wanted"/>.</summary>
    internal static bool Gives(RowKind found, RowKind wanted) => found == wanted || found == RowKind.Preferences && wanted == RowKind.Unpaired;
}
