using System.Globalization;
using System.Runtime.InteropServices;

namespace Tulu2.Evaluation.Workers;

/// <summary>
/// Lets a process compute only while nobody else wants the processor (Linux's <c>SCHED_IDLE</c>, and nice 19 where that is refused), so that evaluators beside the ranks of a
/// run take no time from its steps. Without effect on other systems.
/// </summary>
public static partial class IdlePriority
{
    private const int IdlePolicy = 5, OneThread = 0, Nicest = 19;

    // Of ParentChannel: they take no time, and a node that does not hear of a process takes it for one that hangs.
    private static readonly string[] Channel = ["sign of life", "commands"];

    /// <summary>For all threads that the process has now, but for those of its channel; later ones inherit it from the thread that starts them.</summary>
    public static void Enter()
    {
        if (!OperatingSystem.IsLinux()) return;
        foreach (var task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            if (Channel.Contains(NameOf(task))) continue;
            var thread = int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture);
            var none = 0;
            _ = SetScheduler(thread, IdlePolicy, ref none);
            _ = SetPriority(OneThread, thread, Nicest);
        }
        try
        {
            // Where the kernel groups processes by session, this process is a group of its own, which has a share of its own.
            File.WriteAllText("/proc/self/autogroup", Nicest.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The kernel does not group them.
        }
    }

    /// <summary>Lets all threads that the process has now, and those that they start, come after other processes (nice <paramref name="nice"/>), but still get their share.</summary>
    public static void Lower(int nice)
    {
        if (!OperatingSystem.IsLinux()) return;
        foreach (var task in Directory.EnumerateDirectories("/proc/self/task"))
            _ = SetPriority(OneThread, int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture), nice);
    }

    private static string NameOf(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).TrimEnd('\n');
        }
        catch (IOException)
        {
            // It has ended.
            return "";
        }
    }

    [LibraryImport("libc", EntryPoint = "sched_setscheduler")]
    private static partial int SetScheduler(int thread, int policy, ref int priority);

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
