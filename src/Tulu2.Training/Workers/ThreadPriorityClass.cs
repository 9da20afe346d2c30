using System.Runtime.InteropServices;

namespace Tulu2.Training.Workers;

/// <summary>Computing threads stand back behind heartbeats and control: nice 10 (on Linux priorities belong to threads).</summary>
internal static class ThreadPriorityClass
{
    private const int Nice = 10;

    /// <summary>Lowers the calling thread's priority; where that is not possible it keeps its own.</summary>
    public static void Lower()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = Native.SetPriority(0, Native.ThreadId(), Nice);
        }
        catch (EntryPointNotFoundException)
        {
            // An old libc: equal priorities only cost responsiveness.
        }
    }

    private static class Native
    {
        [DllImport("libc", EntryPoint = "gettid")]
        internal static extern int ThreadId();

        [DllImport("libc", EntryPoint = "setpriority")]
        internal static extern int SetPriority(int which, int who, int nice);
    }
}
