using System.Diagnostics;
using Spectre.Console;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Shell;

/// <summary>Shows progress: a bar on a terminal, a plain line now and then in a log file.</summary>
internal static class ProgressDisplay
{
    /// <summary>Runs <paramref name="work"/>, which reports as it goes, from any thread.</summary>
    public static async Task<T> RunAsync<T>(Terminal terminal, string title, Func<Action<ProgressSnapshot>, Task<T>> work)
    {
        if (!terminal.IsInteractive) return await work(new ProgressLines(title, terminal.Say).Report);

        var clock = Stopwatch.StartNew();
        return await terminal.Remarks.Progress().AutoClear(false).HideCompleted(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask(Markup.Escape(title), maxValue: 1);
                var pace = new Pace();
                var gate = new Lock();
                var result = await work(snapshot =>
                {
                    lock (gate) Move(bar, title, snapshot, clock.Elapsed, pace);
                });
                bar.Value = bar.MaxValue;
                return result;
            });
    }

    /// <summary>The same for work that blocks, on a thread of its own: pool threads serve the actors. An interrupt does not wait for it.</summary>
    public static Task<T> RunAsync<T>(Terminal terminal, string title, Func<Action<ProgressSnapshot>, T> work, CancellationToken cancellation) => RunAsync(
        terminal, title, report => Task.Factory.StartNew(() => work(report), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .WaitAsync(cancellation));

    private static void Move(ProgressTask bar, string title, ProgressSnapshot now, TimeSpan elapsed, Pace pace)
    {
        if (now.Total > 0)
        {
            bar.MaxValue = now.Total;
            bar.Value = now.Done;
        }
        bar.Description = Markup.Escape(now.ToLine(title, elapsed, pace.Left(now, elapsed)));
    }
}
