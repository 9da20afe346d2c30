using System.Diagnostics;

namespace Tulu2.Training.Optimization;

/// <summary>
/// Runs element-wise operations of a rank on several threads. A rank on a CPU has one thread, because every core has a rank of its own; with GPUs there are
/// more cores than ranks. The bits do not depend on the number of threads: the array is cut at multiples of 16 elements, so that all pieces but the last
/// consist of full vectors.
/// </summary>
internal sealed class HostThreads(int count)
{
    private const long Grain = 1 << 16;

    public static HostThreads One { get; } = new(1);

    /// <summary>
    /// Calls <paramref name="work"/> in parallel with ranges (first, count) that cover 0..length-1, and returns when all calls have returned.
    /// </summary>
    /// <exception cref="AggregateException">A call on another thread threw.</exception>
    public void Run(long length, Action<long, long> work)
    {
        Debug.Assert(Grain % 16 == 0);
        var pieces = (int)Math.Clamp(length / Grain, 1, count);
        if (pieces == 1)
        {
            work(0, length);
            return;
        }
        long First(int piece) => piece == pieces ? length : length / pieces * piece / Grain * Grain;
        // Dedicated threads: blocking pool threads would delay actors.
        var others = Enumerable.Range(1, pieces - 1)
            .Select(piece => Task.Factory.StartNew(() => work(First(piece), First(piece + 1) - First(piece)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))
            .ToArray();
        try
        {
            work(0, First(1));
        }
        finally
        {
            Task.WaitAll(others);
        }
    }
}
