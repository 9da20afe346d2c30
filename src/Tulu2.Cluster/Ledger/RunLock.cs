using System.Diagnostics;
using Tulu2.Files;

namespace Tulu2.Cluster.Ledger;

/// <summary>One process at a time works on a run. Who comes second hears so before it has read or written anything of the run.</summary>
public static class RunLock
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <param name="ledgerDirectory">The <c>ledger/</c> directory of a run.</param>
    /// <param name="patience">How long another process may take to end: the one that had the run before may be on its way out.</param>
    /// <param name="say">Hears once that there is something to wait for.</param>
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
            catch (BadInputException held) when (held.InnerException is IOException && Stopwatch.GetElapsedTime(began) < patience)
            {
                if (!said) say($"another process still has the run; waiting up to {patience.TotalSeconds} s for its end");
                said = true;
            }
        }
    }
}
