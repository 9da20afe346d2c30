using System.Collections.Concurrent;
using System.Diagnostics;

namespace Tulu2.Training.Hosting;

/// <summary>
/// Starts processes on one thread that lives as long as this process. Workers ask the kernel for a signal when their parent dies, and for the kernel the parent
/// is the thread that started them. What is left of them at the orderly end of this process is killed.
/// </summary>
public static class ProcessStarter
{
    private static readonly BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Done)> Orders = [];
    private static readonly StartedProcesses Started = new();
    private static readonly Lazy<Thread> Starter = new(() =>
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Started.Kill();
        var thread = new Thread(Serve) { IsBackground = true, Name = "process starter" };
        thread.Start();
        return thread;
    });

    /// <exception cref="System.ComponentModel.Win32Exception">The program does not exist, or cannot be started.</exception>
    public static Process Start(ProcessStartInfo start)
    {
        _ = Starter.Value;
        var done = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Orders.Add((start, done));
        return done.Task.GetAwaiter().GetResult();
    }

    private static void Serve()
    {
        foreach (var (start, done) in Orders.GetConsumingEnumerable())
        {
            var process = new Process { StartInfo = start };
            try
            {
                process.Start();
                Started.Add(process);
                done.TrySetResult(process);
            }
            catch (Exception fault)
            {
                process.Dispose();
                done.TrySetException(fault);
            }
        }
    }
}
