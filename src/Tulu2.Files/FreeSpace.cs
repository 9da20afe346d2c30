namespace Tulu2.Files;

/// <summary>Room on the file system of a path.</summary>
public static class FreeSpace
{
    private const long MostReserved = 64L << 20;
    private const int ReservedPart = 32;

    /// <summary>
    /// Throws where a file of <paramref name="bytes"/> would take the last of the file system: what is left (a thirty-second, at most 64 MiB) is for the small files of a run,
    /// its ledger first, without which it cannot go on. Does nothing where the system does not say how much is free.
    /// </summary>
    /// <exception cref="IOException">There is no room; <see cref="DiskFault.IsFull"/> recognises it.</exception>
    public static void Check(string directory, long bytes)
    {
        if (Of(directory) is not var (free, total)) return;
        var reserved = Math.Min(MostReserved, total / ReservedPart);
        if (free - reserved >= bytes) return;
        throw new IOException($"No space left on device: {NumberText.Count(Math.Max(0, free - reserved), "byte")} free beside the {NumberText.Count(reserved)} that are left to the ledger, {NumberText.Count(bytes)} needed",
            DiskFault.NoSpace);
    }

    private static (long Free, long Total)? Of(string directory)
    {
        try
        {
            var drive = new DriveInfo(directory);
            // A file system that knows no size says 0.
            return drive.TotalSize > 0 ? (drive.AvailableFreeSpace, drive.TotalSize) : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
