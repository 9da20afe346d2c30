using System.Collections.Immutable;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Protocol.GradientSync;

/// <summary>What a supervisor takes from ranks that may have what a rollback has undone; and which losses are spikes.</summary>
public sealed class RollbackSpec
{
    // Decided in generation 4.
    private static readonly Rollback FromFive = new(new Generation(4), new StepNumber(2), new StepNumber(5), "spike");

    [Theory]
    [InlineData(4, 4, "step 2")]    // of a step that is undone: it loads the checkpoint
    [InlineData(3, 5, "step 2")]    // as it is, by a worker that was not heard of since
    [InlineData(4, 2, null)]        // of the step that the run went back to
    [InlineData(5, 4, null)]        // of the same number, made since
    public void A_state_that_is_undone_is_not_brought_into_a_generation(int since, int step, string? loads)
    {
        var begin = Begin(since, step, held: [new SlotRange(0, 1)]);
        Assert.Equal<StateTransfer>(loads is null ? new StateTransfer.None() : new StateTransfer.FromManifest(loads), begin.Transfer);
        Assert.Equal(loads is null ? step + 1 : 3, begin.Step.Value);
        Assert.Equal(begin.Step <= 5 ? [new StepRange(new StepNumber(3), new StepNumber(5))] : (StepRange[])[], begin.PassedOver);
        // What it holds of step 3 is of the step that it was; of one that was made since it counts.
        Assert.Equal(since == 5, begin.Keep.Count > 0);
    }

    [Property(MaxTest = 200)]
    public FsCheck.Property A_spike_is_a_loss_above_the_factor_times_the_median_of_the_last_losses_that_counted() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var (window, steps) = (random.Next(2, 9), random.Next(1, 30));
            var losses = Enumerable.Range(1, steps).Where(_ => random.Next(4) > 0).ToImmutableDictionary(step => new StepNumber(step), _ => random.NextDouble() + 0.5);
            var (rule, loss) = (new SpikeRule(1 + random.NextDouble(), window), random.NextDouble() * 4);
            double[] last = [.. losses.OrderBy(known => known.Key.Value).Select(known => known.Value).TakeLast(window).Order()];
            var median = last.Length == window ? (last[(window - 1) / 2] + last[window / 2]) / 2 : double.PositiveInfinity;
            return rule.IsSpike(new StepNumber(steps + 1), loss, losses) == loss > rule.Factor * median;
        });

    private static WorkerCommand.Begin Begin(int since, int step, IReadOnlyList<SlotRange> held)
    {
        var rank = new Rank(0);
        var hashes = Enumerable.Range(1, 2).ToImmutableDictionary(made => new StepNumber(made), made => $"hash {made}");
        var start = new SyncStart(new Generation(4), new KnownManifest("step 2", new StepNumber(2)), hashes, ReferenceDue: false) { Rollbacks = [FromFive] };
        var state = GradientSyncState.Of(new SyncRules(new ParallelLayout(1), 2, new StepNumber(20), 0), start, ProgressLease.Default);
        state = state.Decide(new SyncCommand.RankUp(rank, new Incarnation(1), "here", TimeSpan.Zero)).Next;
        var joined = new WorkerReport.Joined(state.Generation, rank, new StepNumber(step), held, "hash") { Since = new Generation(since) };
        return Assert.IsType<WorkerCommand.Begin>(Assert.Single(state.Decide(new SyncCommand.Reported(joined, TimeSpan.Zero)).Effects.OfType<SyncEffect.Tell>()).Command);
    }
}
