using Tulu2.Files;
using Tulu2.Hub.Http;
using Tulu2.Hub.Layout;

namespace Tulu2.Hub.Downloads;

/// <summary>Fetches one blob: takes its lock, fills its unfinished file, checks it, and only then gives it its name.</summary>
internal sealed class BlobDownload(RepositoryFolder folder, HubTiming timing, PieceSlots slots, int pieceBytes, Action<string> say)
{
    /// <summary>Times that content may come with a wrong hash before it is given up.</summary>
    private const int MostDamaged = 5;

    /// <param name="where">Names the file.</param>
    /// <param name="progress">Takes bytes that have come; negative: bytes that turned out to be damaged.</param>
    /// <returns>Bytes that were fetched now; 0: the blob was there.</returns>
    /// <exception cref="HubException">It came damaged too often, or not at all.</exception>
    /// <exception cref="BadInputException">The hub refuses, or the disk is full.</exception>
    public async Task<long> RunAsync(FileSource source, string where, Action<long> progress, CancellationToken cancellation)
    {
        var facts = source.Facts;
        Directory.CreateDirectory(folder.Blobs);
        using var held = await BlobLock.TakeAsync(folder.Lock(facts.Etag), timing.Delay, () => say($"{where}: another process is fetching it; waiting for it"),
            cancellation);
        if (IsThere(folder.Blob(facts.Etag), facts.Size))
        {
            progress(facts.Size);
            return 0;
        }
        try
        {
            return await FetchAsync(source, where, progress, cancellation);
        }
        catch (Exception fault) when (DiskFault.IsFull(fault))
        {
            throw new BadInputException(where, $"{FaultText.Of(fault)}: the file has {NumberText.Count(facts.Size, "byte")}",
                $"free some space, or set HF_HOME to a directory on another disk; what has been fetched is kept in {folder.Blobs}", fault);
        }
    }

    /// <summary>Whether a blob of that length is there; one of another length was broken off by something else, and is fetched again.</summary>
    public static bool IsThere(string blob, long size) => new FileInfo(blob) is { Exists: true } there && there.Length == size;

    private async Task<long> FetchAsync(FileSource source, string where, Action<long> progress, CancellationToken cancellation)
    {
        var (facts, path) = (source.Facts, folder.Incomplete(source.Facts.Etag));
        // FileShare.None is a lock on the file itself: nobody writes into what is about to get its name.
        await using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, useAsync: false);
        for (var damaged = 1; ; damaged++)
        {
            var had = Math.Min(file.Length, facts.Size);
            using var check = new ContentCheck(facts.Etag, facts.Size);
            await new BlobWriter(source, slots, pieceBytes, progress).FillAsync(file, check, cancellation);
            if (file.Length == facts.Size && check.Matches())
            {
                file.Flush(flushToDisk: true);
                AtomicFile.Publish(path, folder.Blob(facts.Etag));
                return facts.Size - had;
            }
            progress(-file.Length);
            file.SetLength(0);
            if (damaged >= MostDamaged)
                throw new HubException(where, $"its content came {MostDamaged} times without the hash that the hub gives for it",
                    "check the network and the proxy (HTTPS_PROXY), or name another HF_ENDPOINT");
            say($"{where}: damaged on its way (wrong hash); fetching it again");
        }
    }
}
