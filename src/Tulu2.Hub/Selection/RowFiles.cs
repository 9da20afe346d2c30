using Tulu2.Files;
using Tulu2.Hub.References;

namespace Tulu2.Hub.Selection;

/// <summary>Which files of a data set's repository hold rows. Pure.</summary>
public static class RowFiles
{
    /// <summary>The files that a reference's path stands for, in ordinal order; of a folder, and of the whole repository, those that hold rows.</summary>
    /// <exception cref="BadInputException">There are none.</exception>
    public static IReadOnlyList<string> At(HubReference reference, IReadOnlyList<string> names)
    {
        var path = reference.Path;
        var isMeantAsItIs = FilePattern.IsPattern(path) || names.Contains(path);
        List<string> below = [.. names.Where(name => FilePattern.Denotes(path, name)).Order(StringComparer.Ordinal)];
        var found = isMeantAsItIs ? below : ForeignPath.NamedLikeRows([.. below.Where(name => !IsHidden(name))]);
        if (found.Count > 0) return found;
        var near = NearestName.Of(path, names);
        throw new BadInputException($"{reference}", path == "" ? "the repository has no files of rows"
            : "the repository has no such file, nor one that the pattern matches",
            near is not null ? $"did you mean {near}?" : $"name files of rows; it has {Some(names)}");
    }

    private static bool IsHidden(string name) => name.Split('/').Any(part => part.StartsWith('.'));

    internal static string Some(IReadOnlyList<string> names) => names.Count == 0 ? "no files"
        : string.Join(", ", names.Take(5)) + (names.Count > 5 ? $" and {NumberText.Count(names.Count - 5, "other")}" : "");
}
