using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Slots that two replicas compute: no bit of a run changes, and a rank that computes wrongly is found before it changes one.</summary>
public class CheckedSlotTests
{
    private const int Steps = 3;

    [Theory]
    [InlineData(Objective.Sft, Precision.Fp32)]
    [InlineData(Objective.Dpo, Precision.Bf16)]
    [InlineData(Objective.Kto, Precision.Fp32)]
    public void Every_layout_ends_with_the_parameters_of_a_run_without_checks_and_has_checked_each_step(Objective objective, Precision precision)
    {
        var settings = LayoutRun.Settings(objective, precision, Steps);
        using var plain = new TestSupervisor(settings, 1);
        var hash = plain.Run(Steps);
        ParallelLayout[] layouts = [new(1), new(2), new(3), new(1, tensor: 2), new(1, pipeline: 2), new(2, tensor: 2, pipeline: 2, zero: 2)];
        foreach (var layout in layouts)
        {
            using var supervisor = new TestSupervisor(settings, layout) { CheckEvery = 1 };
            Assert.True(hash == supervisor.Run(Steps), $"{layout}");
            Assert.Equal(plain.Steps, supervisor.Steps);
            Assert.Equal(Steps, supervisor.Checks.Count);
            Assert.Empty(supervisor.Warnings);
        }
    }

    [Fact]
    public void The_reduction_that_overlaps_with_the_last_slot_is_not_begun_by_the_one_that_is_checked()
    {
        var settings = LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps);
        using var plain = new TestSupervisor(settings, 1);
        settings = settings with { Recipe = settings.Recipe with { Parallel = settings.Recipe.Parallel with { Overlap = true } } };
        using var supervisor = new TestSupervisor(settings, 3) { CheckEvery = 1 };
        Assert.Equal(plain.Run(Steps), supervisor.Run(Steps));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(1, 2)]
    public void What_is_computed_wrongly_once_changes_no_bit_and_names_the_rank(int data, int tensor)
    {
        var (settings, layout) = (LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps), new ParallelLayout(data, tensor));
        var (hash, slot, checker) = Undisturbed(settings, layout);
        var wrong = new Rank(checker * layout.ReplicaSize);
        var left = 1;
        var once = BrokenSlots.Of(EmbeddedWorkerFactory.ComputerOf(settings), batch => IsChecked(batch, slot) && Interlocked.Decrement(ref left) == 0 ? 0 : null, loss: false);
        using var supervisor = new TestSupervisor(settings, layout) { CheckEvery = 1, ComputerOf = rank => rank == wrong ? once : null };
        Assert.Equal(hash, supervisor.Run(Steps));
        Assert.StartsWith($"rank {wrong} computed slot {slot} of step 2 wrongly once, and rightly since", Assert.Single(supervisor.Warnings));
    }

    [Fact]
    public void A_worker_that_always_computes_it_wrongly_is_replaced_before_a_weight_changes()
    {
        var (settings, layout) = (LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps), new ParallelLayout(3));
        var (hash, slot, checker) = Undisturbed(settings, layout);
        var workers = 0;
        var broken = BrokenSlots.Of(EmbeddedWorkerFactory.ComputerOf(settings), batch => IsChecked(batch, slot) ? 0 : null, loss: false);
        using var supervisor = new TestSupervisor(settings, layout) { CheckEvery = 1, ComputerOf = rank => rank == checker && workers++ == 0 ? broken : null };
        Assert.Equal(hash, supervisor.Run(Steps));
        Assert.Equal(2, workers);
    }

    [Fact]
    public void Where_two_replicas_differ_for_good_nobody_knows_which_is_right_and_the_run_ends_and_names_both()
    {
        var (settings, layout) = (LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps), new ParallelLayout(2));
        var (_, slot, _) = Undisturbed(settings, layout);
        var broken = BrokenSlots.Of(EmbeddedWorkerFactory.ComputerOf(settings), batch => IsChecked(batch, slot) ? 0 : null, loss: false);
        using var supervisor = new TestSupervisor(settings, layout) { CheckEvery = 1, ComputerOf = rank => rank == 1 ? broken : null };
        var message = Assert.ThrowsAny<Exception>(() => supervisor.Run(Steps)).Message;
        Assert.StartsWith($"slot {slot} of step 2 was computed by all replicas, twice, and no majority says which result is right: rank 0 ", message);
        Assert.Contains("rank 1 ", message);
    }

    private static bool IsChecked(SlotBatch batch, int slot) => batch.Step == 2 && batch.Slot == slot;

    // Which slot of step 2 is checked, and by which replica.
    private static (string Hash, int Slot, int Checker) Undisturbed(WorkerSettings settings, ParallelLayout layout)
    {
        using var supervisor = new TestSupervisor(settings, layout) { CheckEvery = 1 };
        var hash = supervisor.Run(Steps);
        var check = supervisor.Checks[2];
        return (hash, check.Slot, check.Replicas.Single());
    }
}
