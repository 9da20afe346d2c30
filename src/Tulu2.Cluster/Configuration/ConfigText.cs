using System.Text.RegularExpressions;
using Akka.Configuration;
using Tulu2.Files;

namespace Tulu2.Cluster.Configuration;

/// <summary>
/// A HOCON file with what it includes. HOCON's own <c>include</c> knows files only by the reader's current directory; here they are beside the file that
/// names them. Nor does it know the environment.
/// </summary>
internal static partial class ConfigText
{
    private const int MaxDepth = 16;

    /// <exception cref="BadInputException">There is no such file.</exception>
    public static string Load(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            var what = Directory.Exists(path) ? "is a directory" : File.Exists(path) ? "cannot be read" : "there is no such file";
            throw new BadInputException(path, what, "name a HOCON file; cluster-config/ holds examples", error);
        }
    }

    /// <summary>The text with included files and environment variables in place.</summary>
    /// <exception cref="BadInputException">A file or a variable is not there.</exception>
    public static string Complete(string text, string file) => Complete(text, file, MaxDepth);

    /// <summary>The line of a bracket that is not closed, or was not opened; null: all go together. The parser takes what is before it for the whole.</summary>
    public static int? LineOfLoneBracket(string text)
    {
        var open = new Stack<(char Closing, int Line)>();
        var line = 1;
        // Quoted texts and comments, whole, or single characters.
        foreach (Match token in Token().Matches(text))
        {
            switch (token.Value)
            {
                case "{":
                    open.Push(('}', line));
                    break;
                case "[":
                    open.Push((']', line));
                    break;
                case "}" or "]" when !open.TryPop(out var opened) || opened.Closing != token.Value[0]:
                    return line;
            }
            line += token.Value.Count(character => character == '\n');
        }
        return open.TryPop(out var left) ? left.Line : null;
    }

    /// <summary>The file whose value of a key holds: the one given, or one that it includes; null where none has it.</summary>
    public static string? FileOf(string key, string text, string file) => FileOf(key, text, file, MaxDepth);

    private static string Complete(string text, string file, int depth)
    {
        if (depth == 0) throw new BadInputException(file, "includes itself", "take the circle of `include` lines apart");
        if (LineOfLoneBracket(text) is { } line) throw new BadInputException($"{file}:{line}", "has a bracket without its counterpart", "open or close it");
        return Variable().Replace(
            Include().Replace(text, match =>
            {
                var included = Beside(file, match.Groups[1].Value);
                return Complete(Load(included), included, depth - 1);
            }),
            match => Environment.GetEnvironmentVariable(match.Groups[1].Value)
                ?? throw new BadInputException(file, $"the environment variable {match.Groups[1].Value} is not set", "set it, or write its value into the file"));
    }

    private static string? FileOf(string key, string text, string file, int depth)
    {
        if (depth == 0) return null;
        if (Has(Variable().Replace(Include().Replace(text, ""), "variable"), key)) return file;
        foreach (var match in Include().Matches(text).Reverse())
        {
            var included = Beside(file, match.Groups[1].Value);
            if (FileOf(key, Load(included), included, depth - 1) is { } found) return found;
        }
        return null;
    }

    private static bool Has(string text, string key)
    {
        try
        {
            return ConfigurationFactory.ParseString(text).HasPath(key);
        }
        catch (Exception)
        {
            // It leans on what another file says and is no HOCON alone.
            return false;
        }
    }

    /// <summary>A path as the file that has it means it.</summary>
    public static string Beside(string file, string path) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, path);

    [GeneratedRegex("^[ \\t]*include[ \\t]+\"([^\"]+)\"[ \\t]*\\r?$", RegexOptions.Multiline)]
    private static partial Regex Include();

    [GeneratedRegex("\"\"\"[\\s\\S]*?\"\"\"|\"(?:[^\"\\\\\\n]|\\\\.)*\"|(?:#|//)[^\\n]*|[\\s\\S]")]
    private static partial Regex Token();

    [GeneratedRegex("\\$\\{([A-Z][A-Z0-9_]*)\\}")]
    private static partial Regex Variable();
}
