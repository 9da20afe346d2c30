using Tulu2.Checkpoints;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Runs;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Tests.Cluster.Fakes;
using Tulu2.Tests.Training.Runs;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Hosting;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.State;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>Real workers on a tiny Llama under the real actors, with checkpoints on disk: failures leave the result as it is, to the last bit.</summary>
[Collection(HostCollection.Name)]
public sealed class TrainingUnderActorsSpec(HostFixture fixture) : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tulu2-training-");
    private readonly FakeObserver _observer = new();

    public void Dispose() => _directory.Delete(recursive: true);

    private async Task<RunOutcome> RunAsync(WorkerSettings settings, int ranks, RunStart? start = null)
    {
        var plan = new RunPlan
        {
            RunDirectory = _directory.FullName,
            Layout = new ParallelLayout(ranks),
            Workers = new EmbeddedWorkerFactory(settings with { Parallel = new ParallelLayout(ranks) }),
            Batches = settings.Plan,
            Checkpoints = new StoredCheckpoints(new CheckpointStore(settings.CheckpointDirectory)),
            TotalSteps = TinyRun.Steps,
            CheckpointEvery = 2,
            Start = start ?? new RunStart.FromRecipe(),
            RecipeHash = "recipe",
            VirtualShards = settings.Parameters.VirtualShards,
        };
        return await new RunHost(fixture.Host).RunAsync(plan, _observer, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(120));
    }

    private WorkerSettings Settings(FaultPlan? faults = null) =>
        TinyRun.Settings(Objective.Sft, Precision.Fp32, checkpoints: Path.Combine(_directory.FullName, "checkpoints"), faults: faults);

    [Fact]
    public async Task Failures_at_every_point_of_a_step_change_no_bit_and_a_resume_on_other_ranks_neither()
    {
        string expected;
        using (var quiet = new TestSupervisor(TinyRun.Settings(Objective.Sft, Precision.Fp32), 1)) expected = quiet.Run(TinyRun.Steps);
        var faults = new FaultPlan().FailAt(new Rank(1), new StepNumber(1), new SlotNumber(2)).FailBeforeReduce(new Rank(0), new StepNumber(2))
            .FailBeforeApply(new Rank(2), new StepNumber(3)).FailBeforeApplied(new Rank(0), new StepNumber(4));

        var outcome = await RunAsync(Settings(faults), ranks: 3);

        Assert.Null(outcome.Failure);
        Assert.Equal((RunEnd.Completed, TinyRun.Steps, expected), (outcome.End, outcome.Steps, outcome.ParametersSha256));
        Assert.Equal(0, faults.Pending);
        Assert.Equal([], LedgerVerifier.Verify(Path.Combine(_directory.FullName, "ledger")).Faults);
        var store = new CheckpointStore(Path.Combine(_directory.FullName, "checkpoints"));
        Assert.Equal(outcome.ManifestPath, store.LatestSound(fault => Assert.Fail(fault))?.Path);

        var first = store.Manifests()[0];
        var resumed = await RunAsync(Settings(), ranks: 2, new RunStart.FromManifest(first, new StepNumber(store.Read(first).Step)));
        Assert.Equal((null, expected), (resumed.Failure, resumed.ParametersSha256));
    }

    /// <summary>1, 4, 2 and 3 replicas, each as soon as the one before has made a step, with tensor-parallel ranks, and with the optimizer state of two replicas in shards.</summary>
    [Theory]
    [InlineData(Objective.Sft, Precision.Bf16, 2, 1, new[] { 1, 4, 2, 3 })]
    [InlineData(Objective.Dpo, Precision.Fp32, 1, 2, new[] { 2, 4, 6, 2 })]
    public async Task A_run_that_is_scaled_ends_with_the_bits_of_one_rank(Objective objective, Precision precision, int tensor, int zero, int[] replicas)
    {
        const int steps = 80;
        var settings = LayoutRun.Settings(objective, precision, steps, Path.Combine(_directory.FullName, "checkpoints"));
        string expected;
        using (var quiet = new TestSupervisor(settings, 1)) expected = quiet.Run(steps);
        var layout = new ParallelLayout(replicas[0], tensor, zero: zero);
        var scaling = new Scaling(replicas, layout.ReplicaSize);
        var plan = new RunPlan
        {
            RunDirectory = _directory.FullName,
            Layout = layout,
            Workers = new EmbeddedWorkerFactory(settings with { Parallel = layout }),
            Batches = settings.Plan,
            Checkpoints = new StoredCheckpoints(new CheckpointStore(settings.CheckpointDirectory)),
            TotalSteps = steps,
            CheckpointEvery = 3,
            RecipeHash = "recipe",
            VirtualShards = settings.Parameters.VirtualShards,
            Scaling = scaling.Begin,
        };

        var outcome = await new RunHost(fixture.Host).RunAsync(plan, scaling, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(120));

        Assert.Null(outcome.Failure);
        Assert.Equal(replicas.Select(data => data * layout.ReplicaSize), scaling.Sizes);
        Assert.Equal(Enumerable.Range(1, steps), scaling.Steps);
        Assert.Equal([], LedgerVerifier.Verify(Path.Combine(_directory.FullName, "ledger")).Faults);
        Assert.Equal(expected, Sha256(new CheckpointStore(settings.CheckpointDirectory), outcome.ManifestPath!, settings));
    }

    private static string Sha256(CheckpointStore store, string path, WorkerSettings settings)
    {
        using var state = new ReplicaState(settings.Parameters, Precision.Fp32, new ElementRange(0, settings.Parameters.Trained.Length), null, null);
        StateTransfers.Load(store, path, state);
        return ParameterHash.Of(settings.Parameters.Trained, FlatMemory.Address(state.Master));
    }

    /// <summary>Asks for the next number of replicas when those of the one before have made a step.</summary>
    private sealed class Scaling(int[] replicas, int replicaSize) : IRunEventSubscriber, IDisposable
    {
        private Action<int> _scale = _ => { };
        private int _ranks;

        public List<int> Sizes { get; } = [];
        public List<int> Steps { get; } = [];

        public IDisposable Begin(Action<int> scale)
        {
            _scale = scale;
            return this;
        }

        public void Dispose() { }

        public void Handle(RunEvent happened)
        {
            if (happened is RunEvent.GenerationOpened opened) _ranks = opened.Ranks;
            if (happened is not RunEvent.StepCommitted { Step.Step: var step }) return;
            Steps.Add(step);
            // New ranks come one after the other.
            if (Sizes.Count == replicas.Length || _ranks != replicas[Sizes.Count] * replicaSize) return;
            Sizes.Add(_ranks);
            if (Sizes.Count < replicas.Length) _scale(replicas[Sizes.Count]);
        }
    }
}
