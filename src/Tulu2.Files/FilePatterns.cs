using System.IO.Enumeration;

namespace Tulu2.Files;

/// <summary>Paths as users write them: <c>~</c> for the home directory, <c>*</c> and <c>?</c> within a name, <c>**</c> for any depth of folders.</summary>
public static class FilePatterns
{
    private const string AnyDepth = "**";

    /// <summary>The path with the home directory in place of a leading <c>~</c>.</summary>
    public static string Home(string path) => path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
        ? Path.Join(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), path[1..])
        : path;

    /// <summary>
    /// Full paths of the files that a path stands for: a plain path gives itself, whether or not it exists; a pattern gives all files that match, in ordinal
    /// order,
    /// hidden ones only where the pattern has the dot. A file whose own name looks like a pattern is taken literally.
    /// </summary>
    /// <exception cref="BadInputException">No file matches the pattern, or a folder on the way cannot be read.</exception>
    public static IReadOnlyList<string> Expand(string path)
    {
        if (HubUri.Is(path))
            throw new BadInputException(path, "is a name on a hub, which only a recipe takes",
                "fetch it first, `tulu2 data fetch ORG/NAME`, and name the files that it prints");
        var full = Path.GetFullPath(Home(path));
        if (!IsPattern(full) || Path.Exists(full)) return [full];
        var root = Path.GetPathRoot(full)!;
        var names = full[root.Length..].Split(Path.DirectorySeparatorChar);
        IEnumerable<string> folders = [root];
        foreach (var name in names[..^1]) folders = folders.SelectMany(folder => Folders(folder, name));
        List<string> found;
        try
        {
            found = [.. folders.SelectMany(folder => Files(folder, names[^1])).Distinct().Order(StringComparer.Ordinal)];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(
                path, $"a folder on its way cannot be read: {FaultText.Of(failure)}", "check its permissions, or name the files", failure);
        }
        return found.Count > 0 ? found
            : throw new BadInputException(path, "no file matches", "check the path; * and ? stand for parts of a name, ** for folders of any depth");
    }

    /// <summary>As <see cref="Expand"/>, and a directory gives all files of rows in it and below it, as partitioned data sets have them.</summary>
    /// <exception cref="BadInputException">As for <see cref="Expand"/>, or a directory has no file of rows.</exception>
    public static IReadOnlyList<string> ExpandRows(string path) => [.. Expand(path).SelectMany(found => Directory.Exists(found) ? RowsBelow(found) : [found])];

    /// <summary>The one file that a path stands for.</summary>
    /// <exception cref="BadInputException">As for <see cref="Expand"/>, or it stands for several files.</exception>
    public static string One(string path) => Expand(path) is var files && files.Count == 1
        ? files[0]
        : throw new BadInputException(path, $"stands for {files.Count} files, of which the first is {files[0]}", "name one of them");

    private static IReadOnlyList<string> RowsBelow(string directory)
    {
        IReadOnlyList<string> rows = Directory.EnumerateFileSystemEntries(directory).Any() ? ForeignPath.NamedLikeRows(Expand(Path.Join(directory, AnyDepth, "*"))) : [];
        return rows.Count > 0 ? rows : throw new BadInputException(directory, "is a directory without a file of rows",
            "name the files of rows; of a directory those are taken that end in .jsonl or .parquet, or else in .json, also with .gz or .zst");
    }

    private static bool IsPattern(string name) => name.AsSpan().ContainsAny('*', '?');

    private static IEnumerable<string> Folders(string folder, string name)
    {
        if (name == AnyDepth) return Below(folder);
        if (IsPattern(name)) return Directory.EnumerateDirectories(folder).Where(path => Matches(path, name));
        var child = Path.Combine(folder, name);
        return Directory.Exists(child) ? [child] : [];
    }

    private static IEnumerable<string> Files(string folder, string name)
    {
        if (name == AnyDepth) return Below(folder).SelectMany(below => Files(below, "*"));
        if (IsPattern(name)) return Directory.EnumerateFiles(folder).Where(path => Matches(path, name));
        var child = Path.Combine(folder, name);
        return File.Exists(child) ? [child] : [];
    }

    // The folder itself and all below it. A link to a folder is not followed: it may lead back.
    private static IEnumerable<string> Below(string folder) =>
        Directory.EnumerateDirectories(folder)
            .Where(path => Matches(path, "*") && new DirectoryInfo(path).LinkTarget is null)
            .SelectMany(Below)
            .Prepend(folder);

    private static bool Matches(string path, string pattern)
    {
        var name = Path.GetFileName(path);
        return (name[0] != '.' || pattern[0] == '.') && FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
    }
}
