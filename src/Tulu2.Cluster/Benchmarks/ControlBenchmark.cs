using System.Collections.Immutable;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Messages.Encoding;
using Tulu2.Cluster.Runs;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Benchmarks;

/// <summary>What a step costs the control plane.</summary>
/// <param name="MedianSeconds">From the report of the last rank that is ready until the last rank has the commit.</param>
/// <param name="LastSeconds">Of the slowest percent of the steps.</param>
/// <param name="StepSeconds">Median from commit to commit: workers that answer at once make it the time of the control plane alone.</param>
/// <param name="Messages">Between supervisor and ranks, a step.</param>
/// <param name="Bytes">Of these, as they go between nodes.</param>
public sealed record ControlResult(int Ranks, int Steps, double MedianSeconds, double LastSeconds, double StepSeconds, int Messages, long Bytes);

/// <summary>Runs a run's own actors, with the ledger on disk, over workers that compute nothing and answer at once.</summary>
public static class ControlBenchmark
{
    // The first steps pay for compilation.
    private const int WarmUp = 10;

    /// <param name="ranks">Each a replica, with one slot a step.</param>
    /// <param name="steps">That are measured.</param>
    /// <exception cref="InvalidOperationException">The run failed.</exception>
    public static async Task<ControlResult> RunAsync(int ranks, int steps, CancellationToken cancellation)
    {
        var directory = Directory.CreateTempSubdirectory("tulu2-bench-control-");
        var host = await ActorHost.StartAsync(cancellation).ConfigureAwait(false);
        try
        {
            var (record, total) = (new ControlRecord(ranks, WarmUp + steps), WarmUp + steps);
            var plan = new RunPlan
            {
                RunDirectory = directory.FullName,
                Layout = new ParallelLayout(ranks),
                Workers = new StubWorkers(record),
                Batches = new EmptyBatches(ranks, total),
                Checkpoints = new NoCheckpoints(),
                TotalSteps = total,
                CheckpointEvery = 0,
                RecipeHash = "bench control",
                VirtualShards = 1,
            };
            var outcome = await new RunHost(host).RunAsync(plan, new Deaf(), cancellation).ConfigureAwait(false);
            if (outcome.End != RunEnd.Completed) throw new InvalidOperationException($"the run of the benchmark ended with {outcome.End}: {outcome.Failure?.Error}");
            var (latencies, between) = record.Since(WarmUp);
            var messages = record.MessagesOfOneStep();
            return new ControlResult(ranks, steps, Quantile(latencies, 0.5), Quantile(latencies, 0.99), Quantile(between, 0.5), messages.Count,
                messages.Sum(message => (long)WireSerializer.Pack(message).Bytes.Length));
        }
        finally
        {
            await host.DisposeAsync().ConfigureAwait(false);
            directory.Delete(recursive: true);
        }
    }

    private static double Quantile(ImmutableArray<double> sorted, double share) => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];

    private sealed class Deaf : IRunEventSubscriber
    {
        public void Handle(RunEvent happened)
        {
        }
    }

    private sealed class NoCheckpoints : ICheckpointWriter
    {
        public string Place => "nowhere";

        public string Write(Manifest manifest) => $"step-{manifest.Step}";

        public IReadOnlyList<string> Verify(Manifest manifest) => [];

        public void Discard(int step)
        {
        }

        public KnownManifest? DiscardAfter(StepNumber step) => null;

        public void Probe(long bytes)
        {
        }

        public void Prune(int keep, IReadOnlyCollection<int> besides)
        {
        }

        public void Sweep()
        {
        }
    }

    private sealed class EmptyBatches(int slots, int steps) : IBatchPlan
    {
        public int TotalSteps => steps;
        public int SlotsPerStep => slots;
        public long LossTokens(int step) => slots;
        public long LossTokens(int step, int slot) => 1;
        public long ChosenLossTokens(int step) => 0;
        public long Tokens(int step) => slots;
        public ReadOnlyMemory<int> Sequences(int step, int slot) => new[] { slot };
        public SlotBatch Read(int step, int slot) => new(step, slot, [], [], [], [], [], [], [], 1);
    }
}
