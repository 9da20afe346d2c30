using System.Diagnostics;

namespace Tulu2.Training.Optimization;

/// <summary>
/// Shares element-wise work of a rank out over threads. A rank on a processor has one, because its cores have ranks of their own; beside a GPU there are more cores
/// than ranks. Which thread does what changes no bit: pieces end at multiples of 16 elements, where the kernels' vector bodies do.
/// </summary>
internal sealed class HostThreads(int count)
{
    private const long Grain = 1 << 16;

    public static HostThreads One { get; } = new(1);

    /// <summary>Calls <paramref name="work"/> with the ranges (first, count) of 0..length-1, at once, and returns when all are done.</summary>
    /// <exception cref="AggregateException">What the calls threw, where there is more than one thread.</exception>
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
        // Threads of their own: the pool's are for those who must not wait.
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
