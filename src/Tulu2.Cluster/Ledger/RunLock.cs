using System.Diagnostics;
using Tulu2.Files;

namespace Tulu2.Cluster.Ledger;

/// <summary>Lets one process at a time work on a run. A second one fails before it has read or written any file of the run.</summary>
public static class RunLock
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <param name="ledgerDirectory">The <c>ledger/</c> directory of a run.</param>
    /// <param name="patience">Time allowed for another process to end: the one that had the run before may be ending.</param>
    /// <param name="say">Called once if there is something to wait for.</param>
    /// <exception cref="BadInputException">Another process still has the run.</exception>
    public static async Task WaitAsync(string ledgerDirectory, TimeSpan patience, Action<string> say, CancellationToken cancellation)
    {
        if (!Directory.Exists(ledgerDirectory)) return;
        var said = false;
        for (var began = Stopwatch.GetTimestamp(); ; await Task.Delay(Interval, cancellation).ConfigureAwait(false))
        {
            try
            {
                LedgerFile.Hold(ledgerDirectory).Dispose();
                return;
            }
            catch (BadInputException held) when (held.InnerException is IOException && patience > TimeSpan.Zero)
            {
                var holder = LockHolder.Read(ledgerDirectory);
                if (Stopwatch.GetElapsedTime(began) >= patience) throw NotEnded(held, holder, patience);
                if (!said) say($"another process still has the run{(holder is null ? "" : $" ({holder})")}; waiting up to {patience.TotalSeconds} s for its end");
                said = true;
            }
        }
    }

    /// <summary>The process that has the run, in words; null: none, as far as can be told from here. Takes no lock.</summary>
    public static string? HolderOf(string ledgerDirectory)
    {
        if (LockHolder.Read(ledgerDirectory) is not { } holder) return null;
        if (holder.Host != Environment.MachineName) return holder.ToString();
        try
        {
            using var process = Process.GetProcessById(holder.Process);
            return process.HasExited ? null : holder.ToString();
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    // The one who waits is the run's next coordinator, after the cluster has removed the node of the one before.
    private static BadInputException NotEnded(BadInputException held, LockHolder? holder, TimeSpan patience) => new(
        held.Where, $"{held.What}; it coordinated the run before, and has not ended within {patience.TotalSeconds} s: it is stopped, or hangs",
        holder is null ? $"{held.Fix}; then submit the run again with --resume" : $"end it (`kill -9 {holder.Process}` on {holder.Host}), then submit the run again with --resume", held);
}
