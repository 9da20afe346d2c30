using System.Collections.Concurrent;
using Tulu2.Files;
using Tulu2.Hub.Downloads;
using Tulu2.Hub.Http;
using Tulu2.Hub.Layout;
using Tulu2.Hub.References;
using Tulu2.Hub.Settings;

namespace Tulu2.Hub.Fetching;

/// <summary>Fetches the files of a commit that the cache lacks: first the size and hash of each, then the content.</summary>
internal sealed class SnapshotFetch(HubHttp http, HubSettings settings, FetchOptions options, RepositoryCache cache, Action<string> say) : IDisposable
{
    private readonly HubApi _api = new(http, settings, options.Timing, say);
    private readonly PieceSlots _slots = new(options.Connections);
    private long _done;

    /// <returns>Bytes that came over the network.</returns>
    public async Task<long> RunAsync(HubReference reference, string commit, IReadOnlyList<string> files, Action<FetchProgress> report,
        CancellationToken cancellation)
    {
        var facts = await FactsAsync(reference, commit, files, cancellation);
        CheckRoom(facts);
        var total = facts.DistinctBy(file => file.Etag).Sum(file => file.Size);
        var fetched = 0L;
        report(new FetchProgress(0, total));
        // Several names may have one content.
        await EachAsync(facts.GroupBy(file => file.Etag), async (names, stop) =>
        {
            var came = await DownloadAsync(reference, commit, names.First(), total, report, stop);
            Interlocked.Add(ref fetched, came.Bytes);
            foreach (var name in names) cache.Link(commit, name.Path, came.Etag);
        }, cancellation);
        return fetched;
    }

    public void Dispose() => _slots.Dispose();

    private async Task<(string Etag, long Bytes)> DownloadAsync(
        HubReference reference, string commit, FileFacts file, long total, Action<FetchProgress> report, CancellationToken cancellation)
    {
        var download = new BlobDownload(cache.Folder, options.Timing, _slots, options.PieceBytes, say);
        void Progress(long bytes) => report(new FetchProgress(Interlocked.Add(ref _done, bytes), total));
        Task<long> RunAsync(FileFacts facts) => download.RunAsync(
            new FileSource(http, reference, facts, _api.AddressOf(reference, commit, facts.Path), settings, options.Timing, say),
            reference.TextOf(facts.Path), Progress, cancellation);
        try
        {
            return (file.Etag, await RunAsync(file));
        }
        catch (HubException)
        {
            // A proxy may have said a wrong size or hash: what is asked anew decides whether the content is to blame.
            var again = await _api.FactsAsync(reference, commit, file.Path, cancellation);
            if (again == file) throw;
            return (again.Etag, await RunAsync(again));
        }
    }

    private async Task<IReadOnlyList<FileFacts>> FactsAsync(HubReference reference, string commit, IReadOnlyList<string> files, CancellationToken cancellation)
    {
        var facts = new ConcurrentBag<FileFacts>();
        await EachAsync(files, async (file, stop) => facts.Add(await _api.FactsAsync(reference, commit, file, stop)), cancellation);
        // Small files first: a fetch that fails has them, and the large ones are whole the later anyway.
        return [.. facts.OrderBy(file => file.Size).ThenBy(file => file.Path, StringComparer.Ordinal)];
    }

    /// <exception cref="BadInputException">The disk has less room than the files need.</exception>
    private void CheckRoom(IReadOnlyList<FileFacts> facts)
    {
        Directory.CreateDirectory(cache.Folder.Blobs);
        var needed = facts.DistinctBy(file => file.Etag).Where(file => !BlobDownload.IsThere(cache.Folder.Blob(file.Etag), file.Size))
            .Sum(file => file.Size - Begun(file));
        if (FreeBytes() is { } free && needed > free)
            throw new BadInputException(settings.CacheDirectory,
                $"the disk has {NumberText.Count(free, "free byte")}, and {NumberText.Count(needed)} are needed",
                "free some space, or set HF_HOME to a directory on another disk");
    }

    private long Begun(FileFacts file) => new FileInfo(cache.Folder.Incomplete(file.Etag)) is { Exists: true } begun ? Math.Min(file.Size, begun.Length) : 0;

    private long? FreeBytes()
    {
        try
        {
            return new DriveInfo(cache.Folder.Blobs).AvailableFreeSpace;
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    // The first failure stops the others; it, and not their end, is what the caller gets.
    private Task EachAsync<T>(IEnumerable<T> items, Func<T, CancellationToken, Task> work, CancellationToken cancellation) => Parallel.ForEachAsync(
        items, new ParallelOptions { MaxDegreeOfParallelism = options.Connections, CancellationToken = cancellation },
        (item, stop) => new ValueTask(work(item, stop)));
}
