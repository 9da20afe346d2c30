using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.Parameters;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Tests.Training.Objectives;
using Tulu2.Training.Hosting;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.State;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Workers;

/// <summary>The state machine of a rank, on gradients without a model behind them: the result never depends on ranks or on what fails when.</summary>
public class WorkerLoopTests
{
    private const int Steps = 5;
    private const int Slots = 7;

    internal static readonly LlamaConfig Config = new()
    {
        HiddenSize = 16,
        IntermediateSize = 32,
        Layers = 2,
        Heads = 2,
        KeyValueHeads = 2,
        HeadSize = 16,
        VocabularySize = 64,
        InitializerRange = 0.5,
    };

    private static readonly Lazy<string> Undisturbed = new(() => Run(1, Precision.Fp32, null, null));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(9)]
    public void Any_number_of_ranks_gives_the_same_parameters_also_more_ranks_than_slots(int ranks) =>
        Assert.Equal(Undisturbed.Value, Run(ranks, Precision.Fp32, null, null));

    [Fact]
    public void Bf16_has_its_own_result_the_same_on_any_number_of_ranks()
    {
        var one = Run(1, Precision.Bf16, null, null);
        Assert.NotEqual(Undisturbed.Value, one);
        Assert.Equal(one, Run(3, Precision.Bf16, null, null));
    }

    [Theory]
    [InlineData(1, 2, 1, 1)]
    [InlineData(1, 1, 2, 1)]
    [InlineData(2, 2, 2, 1)]
    [InlineData(2, 1, 1, 2)]
    [InlineData(4, 1, 1, 2)]
    [InlineData(3, 1, 2, 3)]
    [InlineData(4, 2, 1, 4)]
    public void Any_layout_gives_the_same_parameters(int data, int tensor, int pipeline, int zero)
    {
        foreach (var precision in Enum.GetValues<Precision>())
        {
            using var supervisor = new TestSupervisor(Settings(precision, null), new ParallelLayout(data, tensor, pipeline, zero), FakeSlots.Of);
            Assert.Equal(Run(1, precision, null, null), supervisor.Run(Steps));
        }
    }

    [Fact]
    public void A_rank_that_dies_while_its_peers_gather_the_new_weights_leaves_no_half_gathered_ones()
    {
        // Rank 2 is lost with the update in its master weights: rank 0, its twin, gives them back, and everybody gathers again.
        var faults = new FaultPlan().FailBeforeApplied(new Rank(2), new StepNumber(2)).FailBeforeApply(new Rank(1), new StepNumber(4));
        using var supervisor = new TestSupervisor(Settings(Precision.Bf16, faults), new ParallelLayout(4, zero: 2), FakeSlots.Of);
        Assert.Equal(Run(1, Precision.Bf16, null, null), supervisor.Run(Steps));
        Assert.Equal(2, supervisor.Failures.Count);
    }

    [Fact]
    public void A_rank_whose_gather_of_the_new_weights_is_cut_off_writes_its_snapshot_all_the_same()
    {
        var checkpoints = Directory.CreateTempSubdirectory("tulu2-rank-");
        var settings = Settings(Precision.Fp32, null, checkpoints.FullName) with { Parallel = new ParallelLayout(2, zero: 2) };
        var factory = new EmbeddedWorkerFactory(settings, FakeSlots.Of);
        using var reports = new System.Collections.Concurrent.BlockingCollection<WorkerReport>();
        IWorker[] workers = [factory.Start(new Rank(0), reports.Add), factory.Start(new Rank(1), reports.Add)];
        T Take<T>() where T : WorkerReport
        {
            while (reports.TryTake(out var report, TimeSpan.FromSeconds(60)))
                if (report is T wanted) return wanted;
            throw new TimeoutException($"no {typeof(T).Name}");
        }
        void Each(Func<int, WorkerCommand> command)
        {
            for (var rank = 0; rank < 2; rank++) workers[rank].Send(command(rank));
        }
        try
        {
            Each(rank => new WorkerCommand.JoinGeneration(new Generation(1), new Rank(rank), ["in-process", "in-process"]));
            Each(rank => new WorkerCommand.Begin(
                new Generation(1), new StepNumber(1), new StateTransfer.FromRecipe(), [], [SlotAssignment.Range(Slots, 2, rank)!.Value]));
            for (var slot = 0; slot < Slots; slot++)
                for (var rank = 0; rank < 2; rank++) workers[rank].Send(new WorkerCommand.Feed(settings.Plan.Read(1, slot)));
            _ = (Take<WorkerReport.StepReady>(), Take<WorkerReport.StepReady>());

            // Rank 1 never hears of the commit: rank 0 waits for its part of the weights until the next generation.
            workers[0].Send(new WorkerCommand.Commit(new Generation(1), new StepNumber(1), Snapshot: true, AfterCommit.GoOn));
            Assert.Equal((0, 1), Take<WorkerReport.ShardWritten>() is var shard ? (shard.Rank, shard.Step) : default);
        }
        finally
        {
            Each(_ => new WorkerCommand.Shutdown());
            foreach (var worker in workers) worker.Dispose();
            checkpoints.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_rank_whose_gather_of_the_new_weights_is_cut_off_does_not_score_with_half_of_them()
    {
        var settings = Settings(Precision.Fp32, null) with { Parallel = new ParallelLayout(2, zero: 2) };
        var factory = new EmbeddedWorkerFactory(settings, FakeSlots.Of);
        using var reports = new System.Collections.Concurrent.BlockingCollection<WorkerReport>();
        using var heard = factory.Start(new Rank(0), reports.Add);
        using var other = factory.Start(new Rank(1), report => { if (report is WorkerReport.StepReady) reports.Add(report); });
        IWorker[] workers = [heard, other];
        List<WorkerReport> Until<T>(int times) where T : WorkerReport
        {
            var seen = new List<WorkerReport>();
            while (seen.OfType<T>().Count() < times) seen.Add(reports.TryTake(out var report, TimeSpan.FromSeconds(60)) ? report : throw new TimeoutException($"no {typeof(T).Name}"));
            return seen;
        }
        for (var rank = 0; rank < 2; rank++)
        {
            workers[rank].Send(new WorkerCommand.JoinGeneration(new Generation(1), new Rank(rank), ["in-process", "in-process"]));
            workers[rank].Send(new WorkerCommand.Begin(new Generation(1), new StepNumber(1), new StateTransfer.FromRecipe(), [], [SlotAssignment.Range(Slots, 2, rank)!.Value]));
            for (var slot = 0; slot < Slots; slot++) workers[rank].Send(new WorkerCommand.Feed(settings.Plan.Read(1, slot)));
        }
        Until<WorkerReport.StepReady>(2);

        heard.Send(new WorkerCommand.Commit(new Generation(1), new StepNumber(1), Snapshot: false, AfterCommit.Wait));
        heard.Send(new WorkerCommand.Score(new Generation(1), new StepNumber(1), 1, settings.Plan.Read(1, 0)));
        heard.Send(new WorkerCommand.JoinGeneration(new Generation(1), new Rank(0), ["in-process", "in-process"]));
        other.Send(new WorkerCommand.Shutdown());

        Assert.Equal(1, Assert.IsType<WorkerReport.Joined>(Assert.Single(Until<WorkerReport.Joined>(1))).StateStep);
    }

    [Fact]
    public void A_rank_without_a_twin_takes_everybody_back_to_where_the_run_began()
    {
        var faults = new FaultPlan().FailBeforeReduce(new Rank(1), new StepNumber(3));
        using var supervisor = new TestSupervisor(Settings(Precision.Fp32, faults), new ParallelLayout(1, tensor: 2), FakeSlots.Of);
        Assert.Equal(Undisturbed.Value, supervisor.Run(Steps));
        Assert.Single(supervisor.Failures);
        // Steps 1 and 2 are made twice, by two ranks.
        Assert.InRange(supervisor.SlotsComputed, 2 * Slots * (Steps + 2), 2 * Slots * (Steps + 3));
    }

    [Theory]
    [InlineData(1, 2, 1, 1)]
    [InlineData(1, 1, 2, 1)]
    [InlineData(2, 1, 1, 2)]
    [InlineData(2, 2, 2, 2)]
    [InlineData(3, 1, 1, 3)]
    public void A_rank_whose_state_another_one_keeps_takes_nobody_back(int data, int tensor, int pipeline, int zero)
    {
        var layout = new ParallelLayout(data, tensor, pipeline, zero);
        foreach (var precision in Enum.GetValues<Precision>())
        {
            // Also after the last commit, and a rank that has just come back. Each dies when the others are known to have their copies again, which were lost with the one before.
            var faults = new FaultPlan().FailBeforeApplied(new Rank(0), new StepNumber(1)).FailBeforeReady(new Rank(1), new StepNumber(2)).FailBeforeApply(new Rank(1), new StepNumber(3))
                .FailBeforeReady(new Rank(0), new StepNumber(4)).FailBeforeApplied(new Rank(layout.Size - 1), new StepNumber(Steps));
            using var supervisor = new TestSupervisor(Settings(precision, faults), layout, FakeSlots.Of) { Standby = true };
            Assert.Equal(Run(1, precision, null, null), supervisor.Run(Steps));
            Assert.Equal((5, 0), (supervisor.Failures.Count, faults.Pending));
            // By each rank, at the start.
            Assert.Equal(layout.Size, supervisor.Loads);
        }
    }

    [Fact]
    public void A_generation_with_more_ranks_than_addresses_is_refused()
    {
        using var reports = new System.Collections.Concurrent.BlockingCollection<WorkerReport>();
        using var worker = new EmbeddedWorkerFactory(Settings(Precision.Fp32, null), FakeSlots.Of).Start(new Rank(0), reports.Add);
        worker.Send(new WorkerCommand.JoinGeneration(new Generation(1), new Rank(0), ["in-process"]) { Ranks = [new Rank(0), new Rank(2)] });
        Assert.IsType<WorkerReport.Started>(reports.Take());
        Assert.Equal("rank 0: a generation of 2 ranks with 1 addresses", Assert.IsType<WorkerReport.Failed>(reports.Take()).Error);
    }

    [Property(MaxTest = 100)]
    public Property Whatever_fails_whenever_the_result_is_the_same() =>
        Prop.ForAll(Schedule.Draw(Slots, Steps), schedule =>
        {
            var faults = schedule.Plan();
            using var supervisor = new TestSupervisor(Settings(Precision.Fp32, faults), schedule.Layout, FakeSlots.Of) { Standby = schedule.Faults.Length % 2 == 0 };
            var partial = new HashSet<int>(schedule.PartialCommits);
            var hash = supervisor.Run(Steps, commitTo: step => partial.Remove(step) ? [new Rank(step % schedule.Layout.Size)] : null);
            return (hash == Undisturbed.Value).Label(hash);
        });

    [Fact]
    public void Survivors_keep_their_slots()
    {
        var faults = new FaultPlan().FailBeforeReduce(new Rank(1), new StepNumber(3));
        using var supervisor = new TestSupervisor(Settings(Precision.Fp32, faults), 2, FakeSlots.Of);
        Assert.Equal(Undisturbed.Value, supervisor.Run(Steps));
        // Rank 1 had 3 of the 7 slots; only those are computed again.
        Assert.Equal(Steps * Slots + 3, supervisor.SlotsComputed);
        Assert.Equal(0, faults.Pending);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    public void A_rank_that_dies_in_the_middle_of_a_streamed_reduction_costs_its_own_slots_only(int zero, int piece)
    {
        var faults = new FaultPlan().FailBeforePiece(new Rank(1), new StepNumber(3), piece);
        using var supervisor = new TestSupervisor(Settings(Precision.Fp32, faults), new ParallelLayout(2, zero: zero), FakeSlots.Of);
        Assert.Equal(Undisturbed.Value, supervisor.Run(Steps));
        Assert.Equal(0, faults.Pending);
        // Without ZeRO it has a twin, and rank 1 had 3 of the 7 slots, of which the last may have been in its backward pass.
        if (zero == 1) Assert.InRange(supervisor.SlotsComputed, Steps * Slots + 2, Steps * Slots + 3);
    }

    [Fact]
    public void Without_overlap_the_bits_are_the_same()
    {
        var settings = Settings(Precision.Fp32, null);
        settings = settings with { Recipe = settings.Recipe with { Parallel = new() { Overlap = false } } };
        foreach (var layout in new ParallelLayout[] { new(2), new(4, zero: 2), new(9), new(2, tensor: 2, pipeline: 2, zero: 2) })
        {
            using var supervisor = new TestSupervisor(settings, layout, FakeSlots.Of);
            Assert.Equal(Undisturbed.Value, supervisor.Run(Steps));
        }
    }

    [Fact]
    public void A_rank_lost_after_the_reduction_costs_no_slot_at_all()
    {
        var faults = new FaultPlan().FailBeforeReady(new Rank(1), new StepNumber(2)).FailBeforeApply(new Rank(0), new StepNumber(4));
        using var supervisor = new TestSupervisor(Settings(Precision.Fp32, faults), 3, FakeSlots.Of);
        Assert.Equal(Undisturbed.Value, supervisor.Run(Steps));
        Assert.Equal(Steps * Slots, supervisor.SlotsComputed);
        Assert.Equal(2, supervisor.Failures.Count);
    }

    [Fact]
    public void A_failure_says_what_it_was()
    {
        var faults = new FaultPlan().FailAt(new Rank(0), new StepNumber(1), new SlotNumber(2));
        using var supervisor = new TestSupervisor(Settings(Precision.Fp32, faults), 1, FakeSlots.Of);
        supervisor.Run(Steps);
        Assert.Equal("injected fault: rank 0 step 1 slot 2 slot", Assert.Single(supervisor.Failures).Error);
    }

    [Fact]
    public void Commands_of_an_older_generation_do_nothing()
    {
        var settings = Settings(Precision.Fp32, null);
        using var reports = new System.Collections.Concurrent.BlockingCollection<WorkerReport>();
        using var worker = new EmbeddedWorkerFactory(settings, FakeSlots.Of).Start(new Rank(0), reports.Add);
        worker.Send(new WorkerCommand.JoinGeneration(new Generation(5), new Rank(0), ["in-process"]));
        worker.Send(new WorkerCommand.JoinGeneration(new Generation(4), new Rank(0), ["in-process"]));
        worker.Send(new WorkerCommand.Begin(new Generation(4), new StepNumber(1), new StateTransfer.FromRecipe(), [], []));
        worker.Send(new WorkerCommand.Commit(new Generation(4), new StepNumber(1), false, AfterCommit.GoOn));
        worker.Send(new WorkerCommand.Score(new Generation(4), default, 1, settings.Plan.Read(1, 0)));
        worker.Send(new WorkerCommand.JoinGeneration(new Generation(6), new Rank(0), ["in-process"]));
        worker.Send(new WorkerCommand.Score(new Generation(6), default, 2, settings.Plan.Read(1, 0)));
        var seen = new List<WorkerReport>();
        do seen.Add(reports.Take()); while (seen[^1] is not WorkerReport.Scored);
        Assert.All(seen.OfType<WorkerReport.Joined>(), joined => Assert.Contains(joined.Generation, new long[] { 5, 6 }));
        Assert.Equal(2, ((WorkerReport.Scored)seen[^1]).Task);
        Assert.DoesNotContain(seen, report => report is WorkerReport.Failed or WorkerReport.StepReady);
        // Scoring uses the initial weights, which are no state that counts.
        worker.Send(new WorkerCommand.JoinGeneration(new Generation(7), new Rank(0), ["in-process"]));
        Assert.Equal(-1, Assert.IsType<WorkerReport.Joined>(reports.Take()).StateStep);
    }

    [Fact]
    public void A_commit_that_comes_again_is_answered_again_and_applied_once()
    {
        var settings = Settings(Precision.Fp32, null);
        using var reports = new System.Collections.Concurrent.BlockingCollection<WorkerReport>();
        using var worker = new EmbeddedWorkerFactory(settings, FakeSlots.Of).Start(new Rank(0), reports.Add);
        worker.Send(new WorkerCommand.JoinGeneration(new Generation(1), new Rank(0), ["in-process"]));
        worker.Send(new WorkerCommand.Begin(new Generation(1), new StepNumber(1), new StateTransfer.FromRecipe(), [], [new(0, Slots)]));
        for (var slot = 0; slot < Slots; slot++) worker.Send(new WorkerCommand.Feed(settings.Plan.Read(1, slot)));
        WorkerReport.Applied Applied()
        {
            WorkerReport report;
            do report = reports.Take(); while (report is not (WorkerReport.Applied or WorkerReport.StepReady or WorkerReport.Failed));
            return report is WorkerReport.StepReady ? Commit() : Assert.IsType<WorkerReport.Applied>(report);
        }
        WorkerReport.Applied Commit()
        {
            worker.Send(new WorkerCommand.Commit(new Generation(1), new StepNumber(1), Snapshot: false, AfterCommit.End));
            return Applied();
        }
        var (first, again) = (Applied(), Commit());
        Assert.NotNull(first.ParametersSha256);
        Assert.Equal((1, first.ParametersSha256), (again.Step, again.ParametersSha256));
    }

    [Fact]
    public void A_loss_that_is_no_number_is_reported_and_a_commit_of_its_step_changes_no_weight()
    {
        var settings = Settings(Precision.Fp32, null);
        using var reports = new System.Collections.Concurrent.BlockingCollection<WorkerReport>();
        using var worker = new EmbeddedWorkerFactory(settings, (_, _) => new NanSlots()).Start(new Rank(0), reports.Add);
        worker.Send(new WorkerCommand.JoinGeneration(new Generation(1), new Rank(0), ["in-process"]));
        worker.Send(new WorkerCommand.Begin(new Generation(1), new StepNumber(1), new StateTransfer.FromRecipe(), [], [new(0, Slots)]));
        for (var slot = 0; slot < Slots; slot++) worker.Send(new WorkerCommand.Feed(settings.Plan.Read(1, slot)));
        T Next<T>() where T : WorkerReport
        {
            WorkerReport report;
            do report = reports.Take(); while (report is not (T or WorkerReport.Failed));
            return Assert.IsType<T>(report);
        }
        Assert.Equal("the loss is NaN", Next<WorkerReport.StepReady>().Fault!.What);
        worker.Send(new WorkerCommand.Commit(new Generation(1), new StepNumber(1), Snapshot: false, AfterCommit.End));
        var initial = InitialHash(settings);
        var applied = Next<WorkerReport.Applied>();
        Assert.Equal(1, applied.Step);
        Assert.Equal(initial, applied.ParametersSha256);
    }

    private static string InitialHash(WorkerSettings settings)
    {
        using var state = new ReplicaState(settings.Parameters, settings.Recipe.Precision);
        state.Initialize(settings.Recipe);
        return ParameterHash.Of(settings.Parameters.Trained, FlatMemory.Address(state.Master));
    }

    internal static WorkerSettings Settings(Precision precision, FaultPlan? faults, string checkpoints = "/nowhere") => new()
    {
        Recipe = new Recipe
        {
            Model = new() { Preset = "test" },
            Precision = precision,
            Optimizer = new() { LearningRate = 0.05, WeightDecay = 0.1 },
            Schedule = new() { Warmup = 1 },
            Parallel = new() { Overlap = true },
        },
        Parameters = new ParameterMap(Config, 2),
        Plan = new CountedPlan(Steps, [.. Enumerable.Repeat(3, Slots)], (step, slot) => new SlotBatch(step, slot, [], [], [], [], [], [], [], 0)),
        DataPlane = new InProcessDataPlane(),
        CheckpointDirectory = checkpoints,
        GradientPiece = 1,
        Faults = faults,
    };

    private static string Run(int ranks, Precision precision, FaultPlan? faults, Func<StepNumber, IReadOnlyCollection<Rank>?>? commitTo)
    {
        using var supervisor = new TestSupervisor(Settings(precision, faults), ranks, FakeSlots.Of);
        return supervisor.Run(Steps, commitTo: commitTo);
    }
}
