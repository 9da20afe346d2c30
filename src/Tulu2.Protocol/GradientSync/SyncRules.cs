using System.Collections.Immutable;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;

namespace Tulu2.Protocol.GradientSync;

/// <summary>What never changes during a run.</summary>
/// <param name="Layout">Of its ranks, as it begins.</param>
/// <param name="LastStep">Steps of the whole run.</param>
/// <param name="CheckpointEvery">0: only after the last step.</param>
public sealed record SyncRules(ParallelLayout Layout, int Slots, StepNumber LastStep, int CheckpointEvery)
{
    /// <summary>Null: the run does not validate.</summary>
    public ValidationRules? Validation { get; init; }

    /// <summary>Times that one rank may be lost without a commit in between, or a chunk that it scored; one more ends the run.</summary>
    public int MostLosses { get; init; } = int.MaxValue;

    /// <summary>A step that is not finite is committed and changes nothing, in place of ending the run.</summary>
    public bool SkipsNonFinite { get; init; }

    /// <summary>Such steps in a row; one more ends the run: its weights give no finite step any more.</summary>
    public int MostSkipped { get; init; } = 9;

    /// <summary>A step that is not finite takes the run back by <see cref="RollbackSteps"/>, in place of ending it.</summary>
    public bool RollsBackNonFinite { get; init; }

    /// <summary>Null: whatever the loss is, the run goes on.</summary>
    public SpikeRule? Spike { get; init; }

    /// <summary>The step at fault and those before it that are undone: so many.</summary>
    public int RollbackSteps { get; init; } = 1;

    /// <summary>One more ends the run.</summary>
    public int MostRollbacks { get; init; } = 10;

    /// <summary>Generations that lose a worker with the same slot under way until the slot is left out, or ends the run.</summary>
    public int MostDeaths { get; init; } = int.MaxValue;

    /// <summary>A slot that ends its workers is left out of its step, in place of ending the run.</summary>
    public bool QuarantinesSlots { get; init; }

    /// <summary>Slots of one step that may be left out; never all of them. One more ends the run: it is not the rows.</summary>
    public int MostQuarantined { get; init; } = 3;

    /// <summary>Names the rows of a slot for people.</summary>
    public Func<StepNumber, SlotNumber, string> RowsOf { get; init; } = (_, _) => "";

    /// <summary>Steps of which every so many-th has a slot that is computed twice; 0: none.</summary>
    public int CheckEvery { get; init; }

    /// <summary>The numbers of the rows (or pairs) of a slot.</summary>
    public Func<StepNumber, SlotNumber, IReadOnlyList<int>> SamplesOf { get; init; } = (_, _) => [];

    /// <summary>Ranks without twins have standby copies.</summary>
    public bool Standby { get; init; }

    /// <summary>Replicas with which the run goes on while others have no workers.</summary>
    public int FewestReplicas { get; init; } = int.MaxValue;

    /// <summary>How long lost ranks are waited for before the run goes on without them. A spare worker, or a process that starts quickly, is there sooner.</summary>
    public TimeSpan LossPatience { get; init; } = TimeSpan.FromSeconds(0.25);

    /// <summary>How long after the last rank came up a run waits for the others, before it begins without them.</summary>
    public TimeSpan StartPatience { get; init; } = TimeSpan.FromSeconds(10);

    public int Ranks => Layout.Size;
}

/// <summary>A checkpoint on disk.</summary>
public sealed record KnownManifest(string Path, StepNumber Step);

/// <summary>What is known of a run before its ranks are heard.</summary>
/// <param name="Generation">The highest ever seen; the next one is greater.</param>
/// <param name="Manifest">Null: begin with the recipe's weights.</param>
/// <param name="Hashes">Gradient hashes of steps that were committed in an earlier life: a replayed step must have them again.</param>
/// <param name="ReferenceDue">The ranks have to do the reference pass first.</param>
public sealed record SyncStart(Generation Generation, KnownManifest? Manifest, ImmutableDictionary<StepNumber, string> Hashes, bool ReferenceDue)
{
    /// <summary>The last commit that was decided, which is an old step where steps were being replayed. Null: the newest of the hashes.</summary>
    public StepNumber? Decided { get; init; }

    /// <summary>Validations of an earlier life; they are not made again.</summary>
    public ValidationHistory Validated { get; init; } = ValidationHistory.Empty;

    /// <summary>Steps of an earlier life that were committed and changed nothing, since they were not finite.</summary>
    public ImmutableHashSet<StepNumber> Skipped { get; init; } = [];

    /// <summary>What an earlier life has undone.</summary>
    public ImmutableList<Rollback> Rollbacks { get; init; } = [];

    /// <summary>Of the steps that were committed and changed the weights.</summary>
    public ImmutableDictionary<StepNumber, double> Losses { get; init; } = ImmutableDictionary<StepNumber, double>.Empty;

    /// <summary>Slots that were left out in an earlier life: they stay so.</summary>
    public ImmutableHashSet<StepSlot> Quarantined { get; init; } = [];
}
