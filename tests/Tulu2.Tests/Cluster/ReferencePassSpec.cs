using System.Collections.Concurrent;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Ranks;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Outcomes;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

[Collection(HostCollection.Name)]
public sealed class ReferencePassSpec(HostFixture fixture) : IDisposable
{
    private readonly FakeRun _run = new(slots: 4, steps: 3);

    public void Dispose() => _run.Dispose();

    private sealed class Plan(int chunks) : IReferencePlan
    {
        public HashSet<int> Cached { get; } = [];
        public ConcurrentQueue<(int Chunk, float Value)> Stored { get; } = new();
        public int Completed { get; private set; }

        public int Chunks => chunks;
        public bool IsDone(int chunk) => Cached.Contains(chunk);
        public SlotBatch Read(int chunk) => new(0, chunk, [100 + chunk], [0], [1], [0], [0], [0], [chunk], 1);
        public void Store(int chunk, float[] logProbabilities) => Stored.Enqueue((chunk, logProbabilities.Single()));
        public void Complete() => Completed++;
    }

    private async Task<RunOutcome> RunAsync(Plan plan, int ranks) => await new RunHost(fixture.Host)
        .RunAsync(_run.PlanOf(ranks) with { Reference = plan }, _run.Observer, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));

    [Fact]
    public async Task Every_chunk_is_stored_once_before_the_first_step_though_ranks_fail()
    {
        var plan = new Plan(40);
        plan.Cached.UnionWith([3, 4]);
        _run.Cluster.With(At.Score, rank: 0, step: 8).With(At.Score, rank: 1, step: 20);

        var outcome = await RunAsync(plan, ranks: 2);

        Assert.Null(outcome.Failure);
        Assert.Equal(Enumerable.Range(0, 40).Except([3, 4]).Select(chunk => (chunk, 100f + chunk)), plan.Stored.Order());
        Assert.Equal(1, plan.Completed);
        Assert.Equal([RunPhase.Starting, RunPhase.ReferencePass, RunPhase.Training, RunPhase.Finishing], _run.Observer.Phases);
        Assert.Equal((40, 40), _run.Observer.Reference.Last());
        Assert.Equal($"{_run.Cluster.Expected(3):x16}", outcome.ParametersSha256);
        Assert.Empty(_run.Cluster.Violations);
    }

    [Fact]
    public async Task A_complete_cache_needs_no_pass()
    {
        var plan = new Plan(5);
        plan.Cached.UnionWith(Enumerable.Range(0, 5));

        var outcome = await RunAsync(plan, ranks: 2);

        Assert.Null(outcome.Failure);
        Assert.Empty(plan.Stored);
        Assert.Equal(0, plan.Completed);
        Assert.DoesNotContain(RunPhase.ReferencePass, _run.Observer.Phases);
    }
}
