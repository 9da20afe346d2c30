namespace Tulu2.Training.Hosting;

/// <summary>Describes how a process ended.</summary>
public static class ProcessEnd
{
    // .NET reports death by a signal as 128 + signal number, as shells do.
    private const int SignalBase = 128, SignalKill = 9;

    private static readonly Dictionary<int, string> Names = new()
    {
        [1] = "SIGHUP",
        [2] = "SIGINT",
        [4] = "SIGILL",
        [6] = "SIGABRT",
        [7] = "SIGBUS",
        [8] = "SIGFPE",
        [9] = "SIGKILL",
        [11] = "SIGSEGV",
        [15] = "SIGTERM",
        [31] = "SIGSYS",
    };

    /// <summary>Nobody asked for this end: a signal of the kernel, or SIGKILL, which a process cannot answer.</summary>
    public static bool IsCrash(int exitCode) => exitCode - SignalBase is 4 or 5 or 6 or 7 or 8 or SignalKill or 11 or 31;

    /// <param name="memoryKills">Processes that the kernel killed while this one ran, because memory had run out.</param>
    public static string Describe(int exitCode, long memoryKills) =>
        IsOfMemory(exitCode, memoryKills) ? $"{Describe(exitCode)}, probably by the kernel, {Killed(memoryKills)}" : Describe(exitCode);

    /// <inheritdoc cref="Describe(int, long)"/>
    public static bool IsOfMemory(int exitCode, long memoryKills) => exitCode == SignalBase + SignalKill && memoryKills > 0;

    /// <summary>Of one that was adopted: its parent alone hears its exit code.</summary>
    public static string Describe(long memoryKills) =>
        $"ended (it was adopted, so its exit code is not known){(memoryKills > 0 ? $", probably by the kernel, {Killed(memoryKills)}" : "")}";

    private static string Killed(long memoryKills) =>
        $"which killed {memoryKills} process{(memoryKills == 1 ? "" : "es")} meanwhile because memory had run out: `tulu2 plan` says what a rank needs";

    public static string Describe(int exitCode) => exitCode > SignalBase && exitCode - SignalBase is var signal and < 65
        ? $"was killed by signal {signal}{(Names.TryGetValue(signal, out var name) ? $" ({name})" : "")}"
        : $"ended with exit code {exitCode}";
}
