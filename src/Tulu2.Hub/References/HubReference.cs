using System.Text.RegularExpressions;
using Tulu2.Files;

namespace Tulu2.Hub.References;

/// <summary>
/// A repository on a hub, or files in it: <c>hf://[models/|datasets/]ORG/NAME[@REVISION][/PATH]</c>, the form that huggingface_hub documents as "HF URIs".
/// </summary>
/// <param name="Repository"><c>ORG/NAME</c>; old repositories have no ORG.</param>
/// <param name="Revision">Branch, tag or commit; null: the default branch.</param>
/// <param name="Path">File, folder or pattern in the repository; empty: the whole of it.</param>
public sealed partial record HubReference(RepositoryKind Kind, string Repository, string? Revision, string Path)
{
    private const string DefaultRevision = "main";
    private const string Form = "write hf://ORG/NAME, hf://ORG/NAME@REVISION or hf://datasets/ORG/NAME/PATH";
    private const int LongestName = 96;

    /// <summary>The revision that is asked for.</summary>
    public string RevisionOrDefault => Revision ?? DefaultRevision;

    /// <summary>The revision is a commit, whose content never changes.</summary>
    public bool IsPinned => Revision is not null && Commit().IsMatch(Revision);

    /// <summary>The repository at its revision, without a path.</summary>
    public string RepositoryText => $"{HubUri.Scheme}{(Kind == RepositoryKind.Dataset ? "datasets/" : "")}{Repository}{RevisionPart}";

    /// <summary>The same reference to one file.</summary>
    public string TextOf(string file) => $"{RepositoryText}/{file}";

    public override string ToString() => Path == "" ? RepositoryText : TextOf(Path);

    /// <summary>The command that fetches the repository.</summary>
    public string Command => $"tulu2 {(Kind == RepositoryKind.Dataset ? "data" : "model")} fetch {Repository}{(Revision is null ? "" : $"@{Revision}")}";

    // A slash would begin the path; only the hub's own refs/pr/N and refs/convert/NAME are known to go on behind it.
    private string RevisionPart => Revision is null ? "" : IsSpecial(Revision) ? $"@{Revision}" : $"@{Revision.Replace("%", "%25").Replace("/", "%2F")}";

    /// <summary>Whether a text is the 40 hexadecimal digits of a commit.</summary>
    public static bool IsCommit(string text) => Commit().IsMatch(text);

    /// <summary>Reads a reference as it stands in a recipe.</summary>
    /// <exception cref="BadInputException">Not of that form.</exception>
    public static HubReference ParseUri(string text)
    {
        if (!HubUri.Is(text)) throw new BadInputException(text, "does not begin with hf://", Form);
        var parts = text[HubUri.Scheme.Length..].Split('/');
        var kind = RepositoryKind.Model;
        switch (parts[0])
        {
            case "models" or "datasets":
                kind = parts[0] == "datasets" ? RepositoryKind.Dataset : kind;
                parts = parts[1..];
                break;
            case "spaces" or "buckets" or "kernels":
                throw new BadInputException(text, $"is one of the hub's {parts[0]}, and only models and data sets are fetched", Form);
            case "model" or "dataset" when parts.Length > 2:
                throw new BadInputException(text, $"the kind of a repository is written {parts[0]}s", Form);
        }
        if (parts.Length < 2 || parts[1].Length == 0) throw new BadInputException(text, "names no repository", Form);
        var (name, revision, rest) = SplitRevision(text, parts[1], parts[2..]);
        return Checked(text, new HubReference(kind, $"{parts[0]}/{name}", revision, string.Join('/', rest).TrimEnd('/')));
    }

    /// <summary>Reads <c>REPO[@REVISION]</c> as it stands on a command line; <c>hf://</c> in front is taken too.</summary>
    /// <exception cref="BadInputException">Neither of the forms, or a repository of the other kind.</exception>
    public static HubReference ParseName(string text, RepositoryKind kind)
    {
        const string fix = "write ORG/NAME or ORG/NAME@REVISION";
        if (HubUri.Is(text))
        {
            var uri = ParseUri(text);
            return uri.Kind == kind ? uri
                : throw new BadInputException(text, $"is a {(uri.Kind == RepositoryKind.Model ? "model" : "data set")}", $"use `{uri.Command}`");
        }
        if (text.Contains("://", StringComparison.Ordinal)) throw new BadInputException(text, "is a web address", fix);
        var (name, revision) = text.Split('@', 2) is [var before, var behind] ? (before, behind) : (text, null);
        if (revision == "") throw new BadInputException(text, "has no revision behind its @", fix);
        if (kind == RepositoryKind.Dataset && name.StartsWith("datasets/", StringComparison.Ordinal)) name = name["datasets/".Length..];
        if (name.Count(c => c == '/') > 1) throw new BadInputException(text, "has more than ORG/NAME", fix);
        return Checked(text, new HubReference(kind, name, revision, ""));
    }

    private static (string Name, string? Revision, string[] Below) SplitRevision(string text, string name, string[] rest)
    {
        var at = name.IndexOf('@');
        if (at < 0) return (name, null, rest);
        var revision = Uri.UnescapeDataString(name[(at + 1)..]);
        if (revision == "") throw new BadInputException(text, "has no revision behind its @", Form);
        if (revision == "refs" && rest is [("pr" or "convert"), _, ..]) (revision, rest) = ($"refs/{rest[0]}/{rest[1]}", rest[2..]);
        return (name[..at], revision, rest);
    }

    private static HubReference Checked(string text, HubReference reference)
    {
        var parts = reference.Repository.Split('/');
        if (reference.Repository.Length > LongestName || !Array.TrueForAll(parts, IsName))
            throw new BadInputException(text, $"'{reference.Repository}' is not the name of a repository",
                "a name has letters, digits, '-', '_' and '.', and neither begins nor ends with '-' or '.'");
        if (reference.Revision is { } revision && !SafePath.IsSafe(revision))
            throw new BadInputException(text, $"'{revision}' is not a revision", "give a branch, a tag or a commit");
        return reference.Path == "" || SafePath.IsSafe(reference.Path) ? reference
            : throw new BadInputException(text, $"'{reference.Path}' is not a path in a repository", Form);
    }

    private static bool IsName(string part) =>
        Name().IsMatch(part) && !part.Contains("--", StringComparison.Ordinal) && !part.Contains("..", StringComparison.Ordinal)
        && !part.EndsWith(".git", StringComparison.Ordinal);

    private static bool IsSpecial(string revision) => revision.Split('/') is ["refs", "pr" or "convert", _];

    [GeneratedRegex(@"\A[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\z")]
    private static partial Regex Name();

    [GeneratedRegex(@"\A[0-9a-f]{40}\z")]
    private static partial Regex Commit();
}
