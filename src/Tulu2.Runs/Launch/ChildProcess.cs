using System.Runtime.InteropServices;

namespace Tulu2.Runs.Launch;

/// <summary>A process that another one of this program started.</summary>
internal static partial class ChildProcess
{
    private const int SetParentDeathSignal = 1, SignalKill = 9, SignalTerminate = 15;

    /// <summary>From now on the kernel ends this process when the one that started it dies; the terminal's signals do not reach it.</summary>
    public static void EndWithParent()
    {
        _ = StartSession();
        _ = ProcessControl(SetParentDeathSignal, SignalKill, 0, 0, 0);
    }

    /// <summary>Asks a process to end in order.</summary>
    public static void Terminate(int process) => _ = Signal(process, SignalTerminate);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint value, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int StartSession();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
