using System.Runtime.InteropServices;

namespace Tulu2.Runs.Launch;

/// <summary>Signals between a process of this program and the processes that it starts.</summary>
internal static partial class ChildProcess
{
    private const int SetParentDeathSignal = 1, SignalKill = 9, SignalTerminate = 15;

    /// <summary>Lets the kernel kill this process when its parent dies, and detaches it from the terminal's signals.</summary>
    /// <param name="parent">The parent as it was when this process was started.</param>
    /// <returns>False: the parent has died already, and the kernel will say nothing any more.</returns>
    public static bool EndsWithParent(int parent)
    {
        _ = StartSession();
        _ = ProcessControl(SetParentDeathSignal, SignalKill, 0, 0, 0);
        return Parent() == parent;
    }

    /// <summary>Sends SIGTERM.</summary>
    public static void Terminate(int process) => Send(process, SignalTerminate);

    public static void Send(int process, int signal) => _ = Signal(process, signal);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint value, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int StartSession();

    [LibraryImport("libc", EntryPoint = "getppid")]
    private static partial int Parent();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
