using Tulu2.Files;
using Tulu2.Hub.References;

namespace Tulu2.Hub.Selection;

/// <summary>What a command's <c>--include</c> and <c>--exclude</c> leave of a repository's files. Pure.</summary>
public static class Choice
{
    /// <param name="include">Patterns of files, in place of the default choice; empty: the default choice.</param>
    /// <param name="exclude">Patterns of files that are left out of either.</param>
    /// <param name="byDefault">The default choice.</param>
    /// <exception cref="BadInputException">Nothing is left, or a pattern matches nothing.</exception>
    public static IReadOnlyList<string> Of(
        string repository, IReadOnlyList<string> names, IReadOnlyList<string> include, IReadOnlyList<string> exclude,
        Func<IReadOnlyList<string>, IReadOnlyList<string>> byDefault)
    {
        if (include.FirstOrDefault(pattern => !names.Any(name => FilePattern.Matches(pattern, name))) is { } idle)
            throw new BadInputException($"--include {idle}", $"matches no file of {repository}", $"it has {RowFiles.Some(names)}");
        var chosen = include.Count == 0 ? byDefault(names)
            : [.. names.Where(name => include.Any(pattern => FilePattern.Matches(pattern, name))).Order(StringComparer.Ordinal)];
        List<string> left = [.. chosen.Where(name => !exclude.Any(pattern => FilePattern.Matches(pattern, name)))];
        return left.Count > 0 ? left : throw new BadInputException($"--exclude {string.Join(' ', exclude)}", $"leaves no file of {repository}",
            "leave it out, or add --include");
    }
}
