using System.Collections.Concurrent;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Messages.Encoding;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Ranks;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Protocol.Evaluations;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Placement;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>Run after run on nodes that go on, whatever gets lost between them.</summary>
public sealed class StandingClusterSpec(FakeNodes nodes) : IClassFixture<FakeNodes>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Four_runs_in_a_row_come_to_their_ends_with_one_hash()
    {
        LossySerializer.Flip = null;
        var hashes = new List<string?>();
        for (var run = 0; run < 4; run++) hashes.Add(await RunAsync(seed: run));
        Assert.Single(hashes.Distinct());
    }

    [Fact]
    public async Task Any_message_between_nodes_may_be_lost()
    {
        var lost = new ConcurrentDictionary<string, bool>();
        for (var seed = 1; seed <= 10; seed++)
        {
            var random = new Random(seed);
            var share = 0.1 + (0.25 * random.NextDouble());
            LossySerializer.Flip = message =>
            {
                // Of each kind the first one, and then what the coin says.
                if (lost.TryAdd(KindOf(message), true)) return true;
                lock (random) return random.NextDouble() < share;
            };
            await RunAsync(seed);
        }
        // Such runs have all that goes between nodes but bad input, failures and replacements.
        string[] kinds = ["ru", "rl", "cj", "cb", "cc", "rc", "wj", "wd", "wr", "wa", "ws", "ks", "nt", "ns", "nx", "ni", "np", "dr"];
        Assert.Empty(kinds.Except(lost.Keys));
    }

    [Fact]
    public async Task Evaluators_on_nodes_that_come_and_go_score_each_item_once_whatever_messages_are_lost()
    {
        using var run = new FakeRun(slots: 6, steps: 6);
        var evaluation = new FakeEvaluation(run);
        nodes.Prepare(run, null);
        var (random, lost) = (new Random(5), new ConcurrentDictionary<string, bool>());
        LossySerializer.Flip = message =>
        {
            if (lost.TryAdd(KindOf(message), true)) return true;
            lock (random) return random.NextDouble() < 0.2;
        };
        evaluation.Fault = _ => { lock (random) return random.Next(6) == 0 ? new InvalidOperationException("killed") : null; };
        // A node that leaves takes its work with it.
        evaluation.OnRun = (_, cancellation) =>
        {
            cancellation.WaitHandle.WaitOne(20);
            cancellation.ThrowIfCancellationRequested();
        };
        var plan = run.PlanOf(ranks: 4, every: 2) with
        {
            Workers = null,
            ClusterKey = new byte[32],
            Evaluation = evaluation.Plan(new EvaluationSchedule(["quick"], 2, ["full"], 0), evaluators: 0),
        };

        var running = new RunHost(nodes.Coordinator).RunAsync(plan, run.Observer, CancellationToken.None);
        var joins = 0;
        while (!running.IsCompleted)
        {
            await using var node = await nodes.JoinAsync(evaluation);
            joins++;
            var (kept, began) = (evaluation.Kept, TimeProvider.System.GetTimestamp());
            // Until it has done something; the last one stays until the end.
            for (var seen = kept; !running.IsCompleted && (joins > 3 || seen < kept + (2 * FakeEvaluation.Chunk)); await Task.Delay(10))
            {
                if (evaluation.Kept > seen) (seen, began) = (evaluation.Kept, TimeProvider.System.GetTimestamp());
                Assert.True(TimeProvider.System.GetElapsedTime(began) < Patience, $"the evaluation came to a standstill with {seen} items");
            }
        }
        LossySerializer.Flip = null;

        var outcome = await running;
        Assert.Null(outcome.Failure);
        Assert.Equal($"{run.Cluster.Expected(6):x16}", outcome.ParametersSha256);
        Assert.Empty(evaluation.Violations);
        Assert.All(evaluation.Scores, score => Assert.Equal(score.Key.Step, score.Value));
        Assert.Equal(evaluation.Scores.Count * FakeEvaluation.Items, evaluation.Kept);
        Assert.Contains((6, "full"), evaluation.Scores.Keys);
        Assert.Empty(new[] { "eq", "eg", "es", "ex", "ek" }.Except(lost.Keys));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_that_takes_more_memory_than_its_nodes_have_starts_no_worker_unless_it_is_forced(bool isForced)
    {
        LossySerializer.Flip = null;
        using var run = new FakeRun(slots: 6, steps: 6);
        nodes.Prepare(run, null);
        // Two nodes of two ranks each, on one machine.
        var memory = new PlacedMemory(new MemoryNeed([240, 240, 240, 240], 20, 1), isForced, shortage => new BadInputException($"memory of {string.Join(", ", shortage.Nodes)}",
            $"{shortage.Ranks.Length} ranks need {shortage.Needed}, and there are {shortage.Bytes}", "buy more"));
        var plan = run.PlanOf(ranks: 4, every: 2) with { Workers = null, ClusterKey = new byte[32], Memory = memory };

        var outcome = await new RunHost(nodes.Coordinator).RunAsync(plan, run.Observer, CancellationToken.None).WaitAsync(Patience);

        const string words = "4 ranks need 1001, and there are 1000";
        Assert.Equal(isForced ? null : words, outcome.Failure?.Error);
        Assert.Equal(isForced ? [] : ["buy more"], new[] { outcome.Failure?.BadInputFix }.OfType<string>());
        if (isForced) Assert.EndsWith(words, Assert.Single(run.Observer.Of<RunEvent.Warned>()).Text);
        else Assert.Matches("^memory of akka.tcp://[^,#]+, akka.tcp://[^,#]+$", outcome.Failure!.BadInputWhere);
        Assert.Equal(isForced ? 4 : 0, run.Cluster.Started);
        // The nodes are free for the next run.
        await RunAsync(seed: 1);
    }

    private static string KindOf(object message) => message is DeliveryProtocol.Letter letter ? letter.Manifest : WireSerializer.Pack(message).Manifest;

    private async Task<string?> RunAsync(int seed)
    {
        using var run = new FakeRun(slots: 6, steps: 6);
        var reference = new ReferenceChunks(5);
        nodes.Prepare(run, reference);
        if (seed % 3 == 0) run.Cluster.With((At)(seed % 5), rank: seed % 4, step: 1 + (seed % 4));
        var plan = run.PlanOf(ranks: 4, every: 2) with { Workers = null, ClusterKey = new byte[32], Reference = reference };

        var outcome = await new RunHost(nodes.Coordinator).RunAsync(plan, run.Observer, CancellationToken.None).WaitAsync(Patience);

        Assert.Null(outcome.Failure);
        Assert.Equal($"{run.Cluster.Expected(6):x16}", outcome.ParametersSha256);
        Assert.Empty(run.Cluster.Violations);
        Assert.Equal(Enumerable.Range(0, 5), reference.Stored.Order());
        Assert.Equal([], LedgerVerifier.Verify(run.Ledger).Faults);
        return outcome.ParametersSha256;
    }

    private sealed class ReferenceChunks(int chunks) : IReferencePlan
    {
        public ConcurrentQueue<int> Stored { get; } = new();
        public int Chunks => chunks;
        public bool IsDone(int chunk) => false;
        public SlotBatch Read(int chunk) => new(0, chunk, [100 + chunk], [0], [1], [0], [0], [0], [chunk], 1);
        public void Store(int chunk, float[] logProbabilities) => Stored.Enqueue(chunk);
        public void Complete() { }
    }
}
