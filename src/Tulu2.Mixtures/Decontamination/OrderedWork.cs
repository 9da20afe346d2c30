using System.Runtime.ExceptionServices;
using Tulu2.Files;

namespace Tulu2.Mixtures.Decontamination;

/// <summary>
/// Work on parts that are read one after the other and whose results are taken in the same order. Each thread reads a part, works on it and hands in its
/// result when it is its turn: there are never more parts in memory than threads.
/// </summary>
internal static class OrderedWork
{
    /// <param name="work">Called by several threads at a time.</param>
    /// <param name="take">Called for one result at a time, in order.</param>
    public static void Run<TPart, TResult>(IEnumerable<TPart> parts, Func<TPart, TResult> work, Action<TResult> take, int threads, CancellationToken cancellation)
    {
        using var reader = parts.GetEnumerator();
        var (reading, turns) = (new Lock(), new object());
        var (read, taken, hasFailed) = (0L, 0L, false);
        try
        {
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation }, _ => Loop());
        }
        catch (AggregateException several) when (several.Flatten().InnerExceptions is { Count: > 0 } all)
        {
            // Of what went wrong on several threads at once the first is told.
            ExceptionDispatchInfo.Throw(all.FirstOrDefault(one => one is BadInputException) ?? all[0]);
        }

        void Loop()
        {
            try
            {
                while (Next() is var (number, part) && number >= 0)
                {
                    cancellation.ThrowIfCancellationRequested();
                    var result = work(part);
                    lock (turns)
                    {
                        while (taken < number && !hasFailed) Monitor.Wait(turns);
                        if (hasFailed) return;
                        take(result);
                        taken++;
                        Monitor.PulseAll(turns);
                    }
                }
            }
            catch
            {
                lock (turns)
                {
                    hasFailed = true;
                    Monitor.PulseAll(turns);
                }
                throw;
            }
        }

        (long Number, TPart Part) Next()
        {
            lock (reading)
                return reader.MoveNext() ? (read++, reader.Current) : (-1, default!);
        }
    }
}
