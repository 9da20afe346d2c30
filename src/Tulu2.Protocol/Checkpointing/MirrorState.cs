using System.Collections.Immutable;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Checkpointing;

/// <summary>
/// Which checkpoint is copied to the second place, and when it is said that the copies lag. One copy is under way at a time; of those that wait only the newest is
/// copied, so a slow place costs checkpoints there and nothing here. Immutable.
/// </summary>
public sealed record MirrorState
{
    /// <summary>Checkpoints that may be written while one is copied, or waits, before the lag is an alarm.</summary>
    public const int MostBehind = 3;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(15), LongestRetry = TimeSpan.FromMinutes(5);

    /// <summary>The checkpoint that is being copied.</summary>
    public StepNumber? Copying { get; private init; }

    /// <summary>The newest that was copied.</summary>
    public StepNumber? Copied { get; private init; }

    /// <summary>An alarm was raised and not cleared.</summary>
    public bool IsFailing { get; private init; }

    /// <summary>Nothing is copied or waits for it; or the run ends, and the copy that was awaited has failed.</summary>
    public bool IsSettled => Copying is null && (Wanted is null || IsClosing);

    private StepNumber? Wanted { get; init; }
    private int Behind { get; init; }
    private int Failures { get; init; }
    private bool IsClosing { get; init; }

    public (MirrorState Next, ImmutableArray<MirrorEffect> Effects) Decide(MirrorCommand command) => command switch
    {
        MirrorCommand.Written { Step: var step } when Copied != step => (this with { Wanted = step, Behind = Behind + 1 }).Lagging().Then(next => next.Start()),
        MirrorCommand.Done done when done.Step == Copying => CopiedOne(done.Step),
        MirrorCommand.Failed failed when failed.Step == Copying => FailedOne(failed),
        MirrorCommand.Retry => Start(),
        // What failed before is tried once more.
        MirrorCommand.Close => (this with { IsClosing = true }).Start(),
        _ => (this, []),
    };

    private (MirrorState Next, ImmutableArray<MirrorEffect> Effects) Start() => Copying is null && Wanted is { } step
        ? (this with { Copying = step, Wanted = null }, [new MirrorEffect.Copy(step)])
        : (this, []);

    private Decided Lagging() => Behind >= MostBehind && Copying is { } step && !IsFailing
        ? new(this with { IsFailing = true }, [new MirrorEffect.Raise($"is {Behind} checkpoints behind: that of step {step} is still being copied")])
        : new(this, []);

    private (MirrorState, ImmutableArray<MirrorEffect>) CopiedOne(StepNumber step)
    {
        var isBehind = Wanted is not null;
        var next = this with { Copying = null, Copied = step, Behind = isBehind ? 1 : 0, Failures = 0, IsFailing = IsFailing && isBehind };
        var decided = new Decided(next, IsFailing && !isBehind ? [new MirrorEffect.Clear($"has caught up: it has the checkpoint of step {step}")] : []);
        return decided.Then(after => after.Start());
    }

    private (MirrorState, ImmutableArray<MirrorEffect>) FailedOne(MirrorCommand.Failed failed)
    {
        ImmutableArray<MirrorEffect> raised = IsFailing ? [] : [new MirrorEffect.Raise($"has no copy of the checkpoint of step {failed.Step}: {failed.Why}")];
        var next = this with { Copying = null, Failures = Failures + 1, IsFailing = true };
        // A newer one is there by now: the older one may have been pruned since.
        if (Wanted is not null) return new Decided(next, raised).Then(after => after.Start());
        next = next with { Wanted = failed.Step };
        var wait = TimeSpan.FromTicks(Math.Min(LongestRetry.Ticks, FirstRetry.Ticks << Math.Min(Failures, 10)));
        return (next, IsClosing ? raised : [.. raised, new MirrorEffect.RetryIn(wait)]);
    }

    private readonly record struct Decided(MirrorState Next, ImmutableArray<MirrorEffect> Effects)
    {
        public (MirrorState, ImmutableArray<MirrorEffect>) Then(Func<MirrorState, (MirrorState Next, ImmutableArray<MirrorEffect> Effects)> decide)
        {
            var (next, effects) = decide(Next);
            return (next, [.. Effects, .. effects]);
        }
    }
}

/// <summary>What the mirror's state hears.</summary>
public abstract record MirrorCommand
{
    private MirrorCommand() { }

    /// <summary>A checkpoint exists in the run directory.</summary>
    public sealed record Written(StepNumber Step) : MirrorCommand;

    /// <summary>It exists in the second place too.</summary>
    public sealed record Done(StepNumber Step) : MirrorCommand;

    public sealed record Failed(StepNumber Step, string Why) : MirrorCommand;

    /// <summary>The time of <see cref="MirrorEffect.RetryIn"/> has passed.</summary>
    public sealed record Retry : MirrorCommand;

    /// <summary>The run ends: nothing more is written.</summary>
    public sealed record Close : MirrorCommand;
}

/// <summary>What the mirror's state decides.</summary>
public abstract record MirrorEffect
{
    private MirrorEffect() { }

    public sealed record Copy(StepNumber Step) : MirrorEffect;

    public sealed record RetryIn(TimeSpan Time) : MirrorEffect;

    /// <summary>An alarm, once until it is cleared. The text follows the place's name.</summary>
    public sealed record Raise(string Text) : MirrorEffect;

    public sealed record Clear(string Text) : MirrorEffect;
}
