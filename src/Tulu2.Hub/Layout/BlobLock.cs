namespace Tulu2.Hub.Layout;

/// <summary>
/// The lock on a blob that is being fetched, the same file and the same kind of lock (flock) as huggingface_hub's: of several processes one fetches, and the
/// others find the file. The kernel drops it with the process.
/// </summary>
internal static class BlobLock
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <param name="delay">Waits; so that tests need not.</param>
    /// <param name="say">Is told once that another process has the lock.</param>
    /// <returns>The lock; disposing of it releases it.</returns>
    public static async Task<IDisposable> TakeAsync(string path, Func<TimeSpan, CancellationToken, Task> delay, Action say, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        for (var isSaid = false; ; isSaid = true)
        {
            if (TryTake(path) is { } taken) return taken;
            if (!isSaid) say();
            await delay(Interval, cancellation);
        }
    }

    // The file stays: deleting it would let two processes hold locks on two files of the name.
    private static FileStream? TryTake(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
        }
        catch (IOException held) when ((held.HResult & 0xFFFF) is 11 or 32 or 33)
        {
            return null;
        }
    }
}
