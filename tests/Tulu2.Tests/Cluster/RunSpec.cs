using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Runs;
using Tulu2.Protocol.Outcomes;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>Whole runs under the real actors, with fake workers.</summary>
[Collection(HostCollection.Name)]
public sealed class RunSpec(HostFixture fixture) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly FakeRun _run = new(slots: 8, steps: 12);

    public void Dispose() => _run.Dispose();

    private Task<RunOutcome> RunAsync(RunPlan plan, CancellationToken cancellation = default) =>
        new RunHost(fixture.Host).RunAsync(plan, _run.Observer, cancellation).WaitAsync(Patience, CancellationToken.None);

    private void ExpectSound(RunOutcome outcome, int steps = 12)
    {
        Assert.Null(outcome.Failure);
        Assert.Equal(steps, outcome.Steps);
        Assert.Equal($"{_run.Cluster.Expected(steps):x16}", outcome.ParametersSha256);
        Assert.Empty(_run.Cluster.Violations);
        Assert.All(_run.Cluster.Applied, applied => Assert.Equal(_run.Cluster.Expected(applied.Step), applied.Value));
        Assert.Equal([], LedgerVerifier.Verify(_run.Ledger).Faults);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10)]
    public async Task A_quiet_run_commits_every_step_once_on_every_rank(int ranks)
    {
        var outcome = await RunAsync(_run.PlanOf(ranks, every: 5));

        ExpectSound(outcome);
        Assert.Equal(RunEnd.Completed, outcome.End);
        Assert.Equal((0.1, 1.2), (outcome.LossFirst, outcome.LossLast));
        Assert.Equal("12", outcome.ManifestPath);
        Assert.Equal(Enumerable.Range(1, 12), _run.Observer.Steps.Select(step => step.Step.Value));
        Assert.All(_run.Observer.Steps, step => Assert.False(step.Replayed));
        Assert.Equal(12 * ranks, _run.Cluster.Applied.Count);
        Assert.Equal(12 * 8, _run.Cluster.Computed.Count);
        Assert.Equal([RunPhase.Starting, RunPhase.Training, RunPhase.Finishing], _run.Observer.Phases);
        // Fake steps are quicker than the disk, so that the one of step 10 may come a little later.
        Assert.Equal((5, 12), (_run.Observer.Checkpoints.First(), _run.Observer.Checkpoints.Last()));
        Assert.Equal(_run.Observer.Checkpoints, _run.Checkpoints.Manifests.Select(manifest => manifest.Step));
        Assert.All(_run.Checkpoints.Manifests, manifest => Assert.Equal(ranks, manifest.Shards.Count));
    }
}
