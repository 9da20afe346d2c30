using System.Text.Json;
using Tulu2.Files;
using Tulu2.Hub.References;

namespace Tulu2.Hub.Layout;

/// <summary>Reads and writes a repository in the cache. All of it is written under another name first, so that other processes never see a part.</summary>
public sealed class RepositoryCache(string cacheDirectory, HubReference reference)
{
    private const int TreeVersion = 1;

    public RepositoryFolder Folder { get; } = new(cacheDirectory, reference);

    /// <summary>The commit that a revision stood for when it was last fetched. Null: it never was.</summary>
    public string? CommitOf(string revision)
    {
        if (HubReference.IsCommit(revision)) return Directory.Exists(Folder.Snapshot(revision)) ? revision : null;
        var file = Folder.Ref(revision);
        return File.Exists(file) && File.ReadAllText(file).Trim() is var commit && HubReference.IsCommit(commit) ? commit : null;
    }

    public void Remember(string revision, string commit)
    {
        if (!HubReference.IsCommit(revision) && CommitOf(revision) != commit) AtomicFile.WriteAllText(Folder.Ref(revision), commit);
    }

    /// <summary>The full path of a file of a snapshot. Null: it is not there, or its blob is gone.</summary>
    public string? Find(string commit, string file)
    {
        var link = Folder.Link(commit, file);
        return File.Exists(link) && (File.ResolveLinkTarget(link, returnFinalTarget: true)?.Exists ?? true) ? link : null;
    }

    /// <summary>The name of the blob that a file of a snapshot is a link to. Null: it is a file of its own, as on systems without links.</summary>
    public string? BlobNameOf(string commit, string file) => Path.GetFileName(new FileInfo(Folder.Link(commit, file)).LinkTarget);

    /// <summary>Makes a file of a snapshot a link to its blob.</summary>
    public void Link(string commit, string file, string etag)
    {
        var (link, target) = (Folder.Link(commit, file), RepositoryFolder.TargetOf(file, etag));
        if (new FileInfo(link).LinkTarget == target) return;
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        var part = $"{link}.{Guid.NewGuid():N}{AtomicFile.PartSuffix}";
        File.CreateSymbolicLink(part, target);
        File.Move(part, link, overwrite: true);
    }

    /// <summary>All files of a snapshot that are in the cache, in ordinal order.</summary>
    public IReadOnlyList<string> FilesOf(string commit)
    {
        var root = Folder.Snapshot(commit);
        if (!Directory.Exists(root)) return [];
        return [.. Directory.EnumerateFiles(root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
            .Where(path => !path.EndsWith(AtomicFile.PartSuffix, StringComparison.Ordinal))
            .Select(path => Path.GetRelativePath(root, path).Replace(Path.DirectorySeparatorChar, '/')).Where(name => Find(commit, name) is not null)
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>Keeps the names of a commit's files, which never change.</summary>
    public void WriteListing(string commit, IReadOnlyList<string> files)
    {
        if (!File.Exists(Folder.Listing(commit))) AtomicFile.WriteAllBytes(Folder.Listing(commit), JsonSerializer.SerializeToUtf8Bytes(files));
    }

    /// <summary>The names of all files that the repository has at a commit. Null: they are not known here.</summary>
    public IReadOnlyList<string>? ReadListing(string commit) => ReadOwn(Folder.Listing(commit)) ?? ReadTree(Folder.Tree(commit));

    private static IReadOnlyList<string>? ReadOwn(string path) => Read(path, json => [.. json.EnumerateArray().Select(name => name.GetString()!)]);

    private static IReadOnlyList<string>? ReadTree(string path) => Read(path, json =>
        json.GetProperty("format_version").GetInt32() == TreeVersion ? [.. json.GetProperty("files").EnumerateObject().Select(file => file.Name)] : null);

    // A list that cannot be read is as good as none: it is only a copy of what the hub knows.
    private static IReadOnlyList<string>? Read(string path, Func<JsonElement, IReadOnlyList<string>?> read)
    {
        try
        {
            if (!File.Exists(path)) return null;
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return read(document.RootElement) is { } names && names.All(SafePath.IsSafe) ? names : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }
}
