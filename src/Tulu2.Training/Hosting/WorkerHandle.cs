using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tulu2.Training.Hosting;

/// <summary>The process of a worker, from outside: one that this process started, or adopted.</summary>
internal abstract partial class WorkerHandle(int id)
{
    private const int SignalKill = 9;

    public int Id { get; } = id;

    public abstract bool HasExited { get; }

    /// <summary>Processor time that it has used, in ticks; 0 where that says nothing.</summary>
    public abstract long ProcessorTicks { get; }

    public void Kill()
    {
        if (!HasExited) _ = Signal(Id, SignalKill);
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>Whether it has ended in time.</returns>
    public abstract bool WaitForExit(TimeSpan patience);

    /// <summary>How it ended, and what it printed last where only this knows it. After its end.</summary>
    public abstract (string How, string? Output) End(long memoryKills);

    /// <summary>Whether it ended, as far as is known, because memory had run out. After its end.</summary>
    public abstract bool IsOfMemory(long memoryKills);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);

    public sealed class Started(Process process) : WorkerHandle(process.Id)
    {
        public override bool HasExited => process.HasExited;

        public override long ProcessorTicks
        {
            get
            {
                process.Refresh();
                return process.TotalProcessorTime.Ticks;
            }
        }

        public override bool WaitForExit(TimeSpan patience)
        {
            if (!process.WaitForExit(patience)) return false;
            // Without a timeout, this also waits for the last lines of output.
            process.WaitForExit();
            return true;
        }

        public override (string How, string? Output) End(long memoryKills) => (ProcessEnd.Describe(process.ExitCode, memoryKills), null);

        public override bool IsOfMemory(long memoryKills) => ProcessEnd.IsOfMemory(process.ExitCode, memoryKills);
    }

    /// <summary>Its parent is another process, which alone hears its exit code.</summary>
    public sealed class Adopted(int process, AdoptionFolder folder) : WorkerHandle(process)
    {
        private const int LastLines = 20;
        private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(5);

        public override bool HasExited => HasEnded(Id);

        public override long ProcessorTicks => 0;

        public override bool WaitForExit(TimeSpan patience)
        {
            for (var began = Stopwatch.GetTimestamp(); !HasExited; Thread.Sleep(CheckInterval))
                if (patience != Timeout.InfiniteTimeSpan && Stopwatch.GetElapsedTime(began) > patience) return false;
            return true;
        }

        public override (string How, string? Output) End(long memoryKills)
        {
            string? output = null;
            try
            {
                output = string.Join('\n', File.ReadLines(folder.OutputOf(Id)).TakeLast(LastLines));
                folder.Forget(Id);
            }
            catch (IOException)
            {
                // It printed nothing, or its directory is gone.
            }
            return (ProcessEnd.Describe(memoryKills), output);
        }

        public override bool IsOfMemory(long memoryKills) => memoryKills > 0;
    }

    // Of the fields behind the name in /proc/PID/stat.
    private const int StateField = 0, StartField = 19;

    /// <summary>A process is gone, or waits for its parent to hear of its end.</summary>
    public static bool HasEnded(int process) => Field(process, StateField) is null or "Z" or "X";

    /// <summary>When a process started, in the kernel's ticks since the machine did; empty: it is gone.</summary>
    public static string StartOf(int process) => Field(process, StartField) ?? "";

    private static string? Field(int process, int index)
    {
        try
        {
            // They follow the name, which is in parentheses and may contain anything.
            var line = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
            return line[(line.LastIndexOf(')') + 2)..].Split(' ')[index];
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
