using System.Runtime.InteropServices;

namespace Tulu2.ClusterTests.Processes;

/// <summary>The processes that a process of the product started, as the kernel lists them.</summary>
internal static partial class Children
{
    /// <summary>Ends a process as a native crash does; the runtime takes the first of the signals that crashes use for its own (6, 11 and their like).</summary>
    public const int SignalCrash = 31;

    public const int SignalKill = 9, SignalTerminate = 15, SignalContinue = 18, SignalStop = 19;

    /// <summary>
    /// Process ids of the live children that run this command of the product, in order of their age. Those of a coordinating process that a process has launched count as its
    /// own, also when their parent is gone.
    /// </summary>
    public static int[] Of(int parent, string command) =>
        [.. Directory.EnumerateDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), out var id) ? id : 0)
            .Where(id => id > 0 && CommandOf(id) is var words && words.Contains(command) && IsAlive(id) && IsOf(id, words, parent)).OrderBy(Age)];

    private static bool IsOf(int process, string[] words, int parent) =>
        Parent(process) == parent || (Array.IndexOf(words, "--owner") is >= 0 and var at && words[at + 1] == $"{parent}")
            || (Parent(process) is > 0 and var between && CommandOf(between).Contains("coordinator") && Parent(between) == parent);

    public static bool IsAlive(int process) => State(process) is { } state && state[0] is not ("Z" or "X");

    /// <summary>It computes only while nobody else wants the processor (<c>SCHED_IDLE</c>).</summary>
    public static bool IsIdle(int process) => State(process) is { } fields && fields[38] == "5";

    public static void Send(int process, int signal) => _ = Kill(process, signal);

    /// <summary>Waits for a condition; false at the deadline.</summary>
    public static async Task<bool> WaitAsync(Func<bool> condition, TimeSpan deadline)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var cancellation = new CancellationTokenSource(deadline);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation.Token))
                if (condition()) return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        return false;
    }

    private static int Parent(int process) => State(process) is { } fields && IsAlive(process) ? int.Parse(fields[1]) : 0;

    private static long Age(int process) => State(process) is { } fields ? long.Parse(fields[19]) : 0;

    private static string[] CommandOf(int process)
    {
        try { return File.ReadAllText($"/proc/{process}/cmdline").Split('\0'); }
        catch (IOException) { return []; }
    }

    // Fields of /proc/PID/stat behind the name, which may have any characters: state, parent, ...
    private static string[]? State(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
