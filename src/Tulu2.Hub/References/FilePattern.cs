using System.Text;
using System.Text.RegularExpressions;

namespace Tulu2.Hub.References;

/// <summary>
/// A pattern over names of files in a repository, as the hub's own tools read it (Python's fnmatch): <c>*</c> stands for anything, slashes too, <c>?</c> for
/// one character. A name that ends with <c>/</c> stands for all below that folder.
/// </summary>
public static class FilePattern
{
    public static bool IsPattern(string text) => text.AsSpan().ContainsAny('*', '?');

    public static bool Matches(string pattern, string name) => Regex.IsMatch(name, ToRegex(pattern), RegexOptions.CultureInvariant);

    /// <summary>What a path in a reference stands for: a file, a pattern, or a folder with all below it. Nothing hidden is below a folder.</summary>
    public static bool Denotes(string path, string name)
    {
        if (path == "") return true;
        if (IsPattern(path)) return MatchesPath(path, name);
        return name == path || name.StartsWith(path + "/", StringComparison.Ordinal);
    }

    private static string ToRegex(string pattern)
    {
        if (pattern.EndsWith('/')) pattern += "*";
        var regex = new StringBuilder(@"\A(?s:");
        foreach (var c in pattern) regex.Append(c switch { '*' => ".*", '?' => ".", _ => Regex.Escape($"{c}") });
        return regex.Append(@")\z").ToString();
    }

    // In a recipe patterns mean what they mean for local files: * within a name, ** for folders of any depth.
    private static bool MatchesPath(string pattern, string name)
    {
        var regex = new StringBuilder(@"\A");
        var parts = pattern.Split('/');
        for (var at = 0; at < parts.Length; at++)
        {
            var isLast = at == parts.Length - 1;
            if (parts[at] == "**") regex.Append(isLast ? ".+" : "(?:[^/]+/)*");
            else regex.Append(Regex.Escape(parts[at]).Replace(@"\*", "[^/]*").Replace(@"\?", "[^/]")).Append(isLast ? "" : "/");
        }
        return Regex.IsMatch(name, regex.Append(@"\z").ToString(), RegexOptions.CultureInvariant);
    }
}
