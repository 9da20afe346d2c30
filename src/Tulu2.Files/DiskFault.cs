namespace Tulu2.Files;

/// <summary>What a disk refuses, recognised by the system's error number: its text depends on the system and its language.</summary>
public static class DiskFault
{
    /// <summary>ENOSPC, as an <see cref="Exception.HResult"/>.</summary>
    internal const int NoSpace = 28;

    /// <summary>Whether an error, or one that caused it, is that the disk (or the user's quota) has no room left.</summary>
    public static bool IsFull(Exception? fault) => Find(fault, IsNoRoom) is not null;

    /// <summary>
    /// The error as one that the user can mend: a full disk, or a file system that is read-only. Null: it is neither. A run says it in these words, whichever of its
    /// processes met it.
    /// </summary>
    public static BadInputException? AsBadInput(Exception? fault)
    {
        if (Find(fault, IsNoRoom) is { } full)
            return new BadInputException("disk", FaultText.Of(full), "free some space, or put --run and data.cache on another disk", full);
        return Find(fault, IsReadOnly) is { } readOnly
            ? new BadInputException(FaultText.PathIn(readOnly) ?? "permissions", FaultText.Of(readOnly), "choose a directory that you may write", readOnly) : null;
    }

    private static IOException? Find(Exception? fault, Func<int, bool> isMeant) => fault switch
    {
        null => null,
        AggregateException several => several.InnerExceptions.Select(inner => Find(inner, isMeant)).FirstOrDefault(found => found is not null),
        IOException io when isMeant(io.HResult & 0xFFFF) => io,
        _ => Find(fault.InnerException, isMeant),
    };

    // .NET leaves the number in HResult: ENOSPC and EDQUOT on Linux, ERROR_DISK_FULL on Windows.
    private static bool IsNoRoom(int code) => code is NoSpace or 122 or 112;

    // EROFS, ERROR_WRITE_PROTECT.
    private static bool IsReadOnly(int code) => code is 30 or 19;
}
