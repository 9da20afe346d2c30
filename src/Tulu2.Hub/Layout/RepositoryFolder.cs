using Tulu2.Hub.References;

namespace Tulu2.Hub.Layout;

/// <summary>
/// Where the ecosystem's cache keeps a repository (huggingface_hub, "Understand caching"): <c>blobs/ETAG</c> hold the content, <c>snapshots/COMMIT/PATH</c> are
/// links to them, <c>refs/REVISION</c> name commits. Pure.
/// </summary>
/// <param name="cacheDirectory">The directory of all repositories.</param>
public sealed class RepositoryFolder(string cacheDirectory, HubReference reference)
{
    private readonly string _name = $"{(reference.Kind == RepositoryKind.Dataset ? "datasets" : "models")}--{reference.Repository.Replace("/", "--")}";

    /// <summary>Directory of the repository.</summary>
    public string Root => Path.Combine(cacheDirectory, _name);

    public string Blobs => Path.Combine(Root, "blobs");

    public string Blob(string etag) => Path.Combine(Blobs, etag);

    /// <summary>A blob that is being fetched: its first bytes, in order, so that any program of the ecosystem can go on with it.</summary>
    public string Incomplete(string etag) => $"{Blob(etag)}.incomplete";

    /// <summary>The lock that programs of the ecosystem hold while they fetch a blob.</summary>
    public string Lock(string etag) => Path.Combine(cacheDirectory, ".locks", _name, $"{etag}.lock");

    public string Snapshot(string commit) => Path.Combine(Root, "snapshots", commit);

    public string Link(string commit, string file) => Path.Combine([Snapshot(commit), .. file.Split('/')]);

    /// <summary>What a link holds: a relative path, so that the cache can be moved as a whole.</summary>
    public static string TargetOf(string file, string etag) => $"{string.Concat(Enumerable.Repeat("../", 2 + file.Count(c => c == '/')))}blobs/{etag}";

    public string Ref(string revision) => Path.Combine([Root, "refs", .. revision.Split('/')]);

    /// <summary>The names of all files of a commit, kept by this program; the ecosystem's own tools pass over it.</summary>
    public string Listing(string commit) => Path.Combine(Root, ".tulu2", $"{commit}.json");

    /// <summary>The same as newer versions of huggingface_hub keep it (_tree_cache.py).</summary>
    public string Tree(string commit) => Path.Combine(Root, "trees", $"{commit}.json");
}
