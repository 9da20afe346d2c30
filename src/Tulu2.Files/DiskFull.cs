namespace Tulu2.Files;

/// <summary>A disk without room, recognised by the system's error number: its text depends on the system and its language.</summary>
public static class DiskFull
{
    /// <summary>Whether an error, or one that it was made of, is that the disk (or the user's quota) has no room left.</summary>
    public static bool Is(Exception? fault) => fault switch
    {
        null => false,
        AggregateException several => several.InnerExceptions.Any(Is),
        IOException io when IsNumber(io.HResult & 0xFFFF) => true,
        _ => Is(fault.InnerException),
    };

    // .NET leaves the number in HResult: ENOSPC and EDQUOT on Linux, ERROR_DISK_FULL on Windows.
    private static bool IsNumber(int code) => code is 28 or 122 or 112;
}
