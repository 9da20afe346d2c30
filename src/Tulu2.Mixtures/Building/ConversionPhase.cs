using Tulu2.Mixtures.Inputs;
using Tulu2.Mixtures.Recipes;
using Tulu2.Mixtures.Segments;

namespace Tulu2.Mixtures.Building;

/// <summary>
/// Converts all sources to segments. Each thread takes the next batch of any source that no other thread is reading, and converts it: so all of them read and
/// convert. Which thread does what decides nothing.
/// </summary>
internal sealed class ConversionPhase(MixtureRecipe recipe, IReadOnlyList<SourcePlan> plans, SegmentStore store, Action<BuildProgress> report)
{
    private readonly long _total = plans.Sum(plan => (long)plan.Selection.Count);
    private long _done;

    public void Run(int threads, CancellationToken cancellation)
    {
        var queues = plans.Select((plan, source) => store.Count(source) is null ? new BatchQueue(plan, source, store) : null).ToList();
        _done = queues.Select((queue, source) => queue is null ? (long)plans[source].Selection.Count : 0).Sum();
        // The largest source first: reading it is work for one thread, which others should not have to wait for at the end.
        List<BatchQueue> open = [.. queues.OfType<BatchQueue>().OrderByDescending(queue => queue.Bytes)];
        var conversions = plans.Select(plan => new BatchConversion(recipe, plan)).ToList();
        try
        {
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation }, _ =>
            {
                while (Next(open) is var (queue, batch))
                {
                    cancellation.ThrowIfCancellationRequested();
                    Convert(conversions[queue.Source], queue, batch);
                }
            });
        }
        finally
        {
            foreach (var queue in open) queue.Dispose();
        }
        foreach (var queue in open) queue.End();
    }

    private void Convert(BatchConversion conversion, BatchQueue queue, RecordBatch batch)
    {
        if (batch.Records.Count == 0) return;
        var (segment, lines) = conversion.Convert(batch);
        SegmentFile.Write(store.PathOf(queue.Source, batch.Number), segment, lines);
        report(new BuildProgress(BuildPhase.Converting, Interlocked.Add(ref _done, batch.Records.Sum(record => record.Places.Length)), _total));
    }

    private static (BatchQueue Queue, RecordBatch Batch)? Next(IReadOnlyList<BatchQueue> queues)
    {
        // First one that nobody reads; where all are being read, wait for one.
        foreach (var wait in new[] { false, true })
            foreach (var queue in queues)
                if (queue.TryNext(wait) is { } batch) return (queue, batch);
        return null;
    }

    /// <summary>The batches of a source, which one thread reads at a time.</summary>
    private sealed class BatchQueue(SourcePlan plan, int source, SegmentStore store) : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly IEnumerator<RecordBatch> _batches =
            RecordBatches.Of(plan, number => File.Exists(store.PathOf(source, number))).GetEnumerator();

        private bool _ended;
        private int _count;

        public int Source => source;

        public long Bytes => plan.Files.Sum(file => file.Bytes);

        public RecordBatch? TryNext(bool wait)
        {
            if (wait) _gate.Enter();
            else if (!_gate.TryEnter()) return null;
            try
            {
                if (_ended) return null;
                if (_batches.MoveNext())
                {
                    _count++;
                    return _batches.Current;
                }
                _ended = true;
                return null;
            }
            finally
            {
                _gate.Exit();
            }
        }

        /// <summary>All segments are there: the source is not read again.</summary>
        public void End() => Tulu2.Files.AtomicFile.WriteAllText(store.EndOf(source), $"{_count}");

        public void Dispose() => _batches.Dispose();
    }
}
