using Tulu2.Files;
using Tulu2.Hub.Downloads;
using Tulu2.Hub.Http;
using Tulu2.Hub.Layout;
using Tulu2.Hub.References;
using Tulu2.Hub.Settings;

namespace Tulu2.Hub.Fetching;

/// <summary>
/// Brings files of a repository into the cache of the ecosystem. Each file is whole or absent there: it gets its name only once its hash is the one that the
/// hub gives for it. Files that are there are not fetched again, and what a killed fetch has left is gone on with.
/// </summary>
/// <param name="say">Takes what the user should know: a long wait, a damaged file, a hub that could not be asked.</param>
public sealed class HubFetcher(HubSettings settings, FetchOptions options, Action<string> say) : IDisposable
{
    private readonly HubHttp _http = new(settings, options.Timing);

    /// <exception cref="BadInputException">What the user can mend: a name, a licence, a token, a full disk, a file that is missing offline.</exception>
    /// <exception cref="HubException">The hub or the network does not do its part.</exception>
    public async Task<FetchResult> FetchAsync(FetchRequest request, Action<FetchProgress> report, CancellationToken cancellation)
    {
        var (reference, cache) = (request.Reference, new RepositoryCache(settings.CacheDirectory, request.Reference));
        try
        {
            var listing = await ListAsync(request, cache, cancellation);
            var files = request.Select(listing.Files);
            if (request.Verify) files.ToList().ForEach(file => DropIfDamaged(cache, listing.Commit, file));
            List<string> missing = [.. files.Where(file => cache.Find(listing.Commit, file) is null)];
            var fetched = 0L;
            if (missing.Count > 0)
            {
                if (settings.IsOffline) throw MissingOffline(reference, reference.TextOf(missing[0]), missing.Count - 1);
                // Before the files: what a killed fetch leaves is not taken for all that there is.
                cache.WriteListing(listing.Commit, listing.Files);
                using var fetch = new SnapshotFetch(_http, settings, options, cache, say);
                fetched = await fetch.RunAsync(reference, listing.Commit, missing, report, cancellation);
            }
            if (!settings.IsOffline) Keep(request, cache, listing, mayFail: missing.Count == 0);
            var bytes = files.Sum(file => FileLength.Of(cache.Folder.Link(listing.Commit, file)));
            return new FetchResult(listing.Commit, cache.Folder.Snapshot(listing.Commit), files, bytes, fetched);
        }
        catch (UnauthorizedAccessException denied)
        {
            throw new BadInputException(FaultText.PathIn(denied) ?? settings.CacheDirectory, FaultText.Of(denied),
                "correct its permissions, or set HF_HOME to a directory that you may write", denied);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<RepositoryListing> ListAsync(FetchRequest request, RepositoryCache cache, CancellationToken cancellation)
    {
        var reference = request.Reference;
        var pinned = request.Commit ?? (reference.IsPinned ? reference.Revision : null);
        if (pinned is not null && cache.ReadListing(pinned) is { } known) return new RepositoryListing(pinned, known);
        if (settings.IsOffline) return ListingOfCache(cache, pinned ?? cache.CommitOf(reference.RevisionOrDefault))
            ?? throw MissingOffline(reference, reference.RepositoryText, 0);
        try
        {
            return await new HubApi(_http, settings, options.Timing, say).ListAsync(reference, pinned ?? reference.RevisionOrDefault, cancellation);
        }
        catch (HubException unreachable) when (pinned is null && cache.CommitOf(reference.RevisionOrDefault) is { } commit
            && ListingOfCache(cache, commit) is { } old && IsWhole(request, cache, old))
        {
            say($"{reference.RepositoryText}: the hub cannot be asked ({unreachable.What}); using commit {commit} from the cache");
            return old;
        }
    }

    private static void Keep(FetchRequest request, RepositoryCache cache, RepositoryListing listing, bool mayFail)
    {
        try
        {
            cache.WriteListing(listing.Commit, listing.Files);
            if (request.Commit is null) cache.Remember(request.Reference.RevisionOrDefault, listing.Commit);
        }
        catch (Exception readOnly) when (mayFail && readOnly is (IOException or UnauthorizedAccessException))
        {
            // A cache that has all files and may only be read is one to work with.
        }
    }

    // Which files a commit has that another program fetched may be unknown: then it has those that are there.
    private static RepositoryListing? ListingOfCache(RepositoryCache cache, string? commit)
    {
        if (commit is null) return null;
        if (cache.ReadListing(commit) is { } known) return new RepositoryListing(commit, known);
        return cache.FilesOf(commit) is { Count: > 0 } files ? new RepositoryListing(commit, files) : null;
    }

    private static bool IsWhole(FetchRequest request, RepositoryCache cache, RepositoryListing listing)
    {
        try
        {
            return request.Select(listing.Files).All(file => cache.Find(listing.Commit, file) is not null);
        }
        catch (BadInputException)
        {
            return false;
        }
    }

    private void DropIfDamaged(RepositoryCache cache, string commit, string file)
    {
        if (cache.Find(commit, file) is not { } path || cache.BlobNameOf(commit, file) is not { } etag || ContentCheck.Matches(path, etag)) return;
        say($"{path}: is damaged (wrong hash); fetching it again");
        File.Delete(cache.Folder.Blob(etag));
    }

    private static BadInputException MissingOffline(HubReference reference, string missing, int others) => new(missing,
        $"is not in the cache{(others > 0 ? $" (nor {NumberText.Count(others, "other file")})" : "")}, and HF_HUB_OFFLINE forbids to fetch it",
        $"unset HF_HUB_OFFLINE, or run `{reference.Command}` where there is a network");
}
