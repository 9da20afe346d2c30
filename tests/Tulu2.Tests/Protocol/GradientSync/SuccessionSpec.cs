using System.Collections.Immutable;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Protocol.GradientSync;

/// <summary>With which step a supervisor begins that succeeds another one: what its ranks have, what the ledger says, and what is on disk.</summary>
public sealed class SuccessionSpec
{
    private static readonly ImmutableDictionary<StepNumber, string> EightSteps = Enumerable.Range(1, 8).ToImmutableDictionary(step => new StepNumber(step), step => $"hash {step}");

    [Fact]
    public void A_commit_that_was_decided_while_steps_were_replayed_and_reached_nobody_is_applied_and_not_decided_again()
    {
        var begin = Begin(new SyncStart(new Generation(5), null, EightSteps, ReferenceDue: false) { Decided = new StepNumber(5) }, stateStep: 4, reduced: "hash 5");

        Assert.Equal(6, begin.Step.Value);
        Assert.Equal<StateTransfer>(new StateTransfer.None(), begin.Transfer);
    }

    [Fact]
    public void A_step_that_was_not_decided_again_while_steps_were_replayed_is_made_again()
    {
        var begin = Begin(new SyncStart(new Generation(5), null, EightSteps, ReferenceDue: false) { Decided = new StepNumber(4) }, stateStep: 4, reduced: "hash 5");

        Assert.Equal(5, begin.Step.Value);
        Assert.Equal<StateTransfer>(new StateTransfer.None(), begin.Transfer);
    }

    [Fact]
    public void A_checkpoint_that_is_newer_than_what_the_ranks_have_is_loaded()
    {
        var manifest = new KnownManifest("step 6", new StepNumber(6));

        var begin = Begin(new SyncStart(new Generation(5), manifest, EightSteps, ReferenceDue: false), stateStep: 3, reduced: null);

        Assert.Equal(7, begin.Step.Value);
        Assert.Equal<StateTransfer>(new StateTransfer.FromManifest("step 6"), begin.Transfer);
    }

    private static WorkerCommand.Begin Begin(SyncStart start, int stateStep, string? reduced)
    {
        var rank = new Rank(0);
        var state = GradientSyncState.Of(new SyncRules(new ParallelLayout(1), 2, new StepNumber(20), 0), start, ProgressLease.Default);
        state = state.Decide(new SyncCommand.RankUp(rank, new Incarnation(1), "here", TimeSpan.Zero)).Next;
        var joined = new WorkerReport.Joined(state.Generation, rank, new StepNumber(stateStep), [], reduced);
        var effects = state.Decide(new SyncCommand.Reported(joined, TimeSpan.Zero)).Effects;
        return Assert.IsType<WorkerCommand.Begin>(Assert.Single(effects.OfType<SyncEffect.Tell>()).Command);
    }
}
