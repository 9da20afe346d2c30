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
using Tulu2.Training.Slots;
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

    private async Task<RunOutcome> RunAsync(WorkerSettings settings, int ranks, RunStart? start = null, SlotComputerOf? computerOf = null)
    {
        settings = settings with { Parallel = new ParallelLayout(ranks) };
        var plan = new RunPlan
        {
            RunDirectory = _directory.FullName,
            Layout = new ParallelLayout(ranks),
            Workers = new EmbeddedWorkerFactory(settings, computerOf ?? EmbeddedWorkerFactory.ComputerOf(settings)),
            Batches = settings.Plan,
            Checkpoints = new StoredCheckpoints(new CheckpointStore(settings.CheckpointDirectory)),
            TotalSteps = TinyRun.Steps,
            CheckpointEvery = 2,
            SkipsNonFinite = settings.Recipe.OnNonfinite == OnNonfinite.SkipStep,
            RollsBackNonFinite = settings.Recipe.OnNonfinite == OnNonfinite.Rollback,
            RollbackSteps = 3,
            QuarantinesSlots = settings.Recipe.OnPoisonedSlot == OnPoisonedSlot.Quarantine,
            LocationOf = row => $"rows.jsonl:{row + 1}",
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

    [Fact]
    public async Task A_slot_left_out_and_a_step_skipped_are_in_the_ledger_before_the_run_goes_on_and_a_resume_on_other_ranks_does_the_same()
    {
        var settings = Settings();
        settings = settings with { Recipe = settings.Recipe with { OnNonfinite = OnNonfinite.SkipStep, OnPoisonedSlot = OnPoisonedSlot.Quarantine } };
        // Slot 1 of step 3 ends whoever computes it, and slot 2 of step 4 is not finite.
        SlotComputerOf Computer(bool poisoned) => BrokenSlots.Of(EmbeddedWorkerFactory.ComputerOf(settings), batch => batch is { Step: 4, Slot: 2 } ? float.NaN
            : poisoned && batch is { Step: 3, Slot: 1 } ? throw new InsufficientMemoryException() : null);

        var outcome = await RunAsync(settings, ranks: 2, computerOf: Computer(poisoned: true));

        Assert.Null(outcome.Failure);
        var entries = LedgerReader.Read(Path.Combine(_directory.FullName, "ledger")).Select(entry => entry.Event).ToList();
        var left = Assert.Single(entries.OfType<LedgerEvent.SlotQuarantined>());
        Assert.Equal((3, 1), (left.Step, left.Slot));
        Assert.StartsWith("slot 1 of step 3 ended its workers 3 times for want of memory (rank ", left.Why);
        Assert.Contains("(rows.jsonl:", left.Rows);
        var steps = entries.OfType<LedgerEvent.StepCommitted>().ToDictionary(step => step.Step);
        Assert.True(entries.IndexOf(left) < entries.IndexOf(steps[3]));
        Assert.Equal([1], steps[3].LeftOut);
        Assert.Equal([2], steps[4].SkippedSlots);
        Assert.Equal("the loss (first in slot 2) is NaN", steps[4].Skipped);

        // All steps again, without a checkpoint. The memory would do now; what is in the ledger stays, by a recipe that stops as well.
        var other = settings with { Recipe = settings.Recipe with { OnPoisonedSlot = OnPoisonedSlot.Stop } };
        var resumed = await RunAsync(other, ranks: 1, computerOf: Computer(poisoned: false));
        Assert.Equal((null, outcome.ParametersSha256), (resumed.Failure, resumed.ParametersSha256));
        Assert.Equal([], LedgerVerifier.Verify(Path.Combine(_directory.FullName, "ledger")).Faults);
    }

    [Fact]
    public async Task A_rollback_discards_the_checkpoints_of_what_it_undoes_is_in_the_ledger_and_a_resume_on_other_ranks_does_the_same()
    {
        var skipping = TinyRun.Settings(Objective.Sft, Precision.Fp32);
        skipping = skipping with { Recipe = skipping.Recipe with { OnNonfinite = OnNonfinite.SkipStep } };
        using var quiet = new TestSupervisor(skipping, 1, BrokenSlots.Of(EmbeddedWorkerFactory.ComputerOf(skipping), batch => batch is { Step: > 1, Slot: 2 } ? float.NaN : null));
        var expected = quiet.Run(TinyRun.Steps);
        var settings = Settings();
        settings = settings with { Recipe = settings.Recipe with { OnNonfinite = OnNonfinite.Rollback } };
        // By three steps from the fourth: the checkpoint of step 2 goes, and steps 2 to 4 are passed over.
        var broken = BrokenSlots.Of(EmbeddedWorkerFactory.ComputerOf(settings), batch => batch is { Step: 4, Slot: 2 } ? float.NaN : null);

        var outcome = await RunAsync(settings, ranks: 2, computerOf: broken);

        Assert.Equal((null, expected), (outcome.Failure, outcome.ParametersSha256));
        var ledger = Path.Combine(_directory.FullName, "ledger");
        var entries = LedgerReader.Read(ledger).Select(entry => entry.Event).ToList();
        var back = Assert.Single(entries.OfType<LedgerEvent.RolledBack>());
        Assert.Equal((1, 4), (back.To, back.Through));
        Assert.StartsWith("step 4: the loss (first in slot 2) is NaN; slot 2: ", back.Why);
        // Steps 1 to 3, and after it 1 from the recipe's weights, and those that it passes over.
        Assert.Equal([1, 2, 3, 1, 2, 3, 4], entries.OfType<LedgerEvent.StepCommitted>().Select(step => step.Step));
        Assert.Equal([2, 2, 4], entries.OfType<LedgerEvent.CheckpointWritten>().Select(written => written.Step));
        Assert.Equal([], LedgerVerifier.Verify(ledger).Faults);

        // All steps again, on one rank: what is passed over the ledger says.
        var resumed = await RunAsync(settings, ranks: 1, computerOf: broken);
        Assert.Equal((null, expected), (resumed.Failure, resumed.ParametersSha256));
        Assert.Single(LedgerReader.Read(ledger).Select(entry => entry.Event).OfType<LedgerEvent.RolledBack>());
        Assert.Equal([], LedgerVerifier.Verify(ledger).Faults);
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
