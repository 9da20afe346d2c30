using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;

namespace Tulu2.Protocol.GradientSync;

/// <summary>What never changes during a run.</summary>
/// <param name="Layout">Where its ranks stand.</param>
/// <param name="LastStep">Steps of the whole run.</param>
/// <param name="CheckpointEvery">0: only after the last step.</param>
public sealed record SyncRules(ParallelLayout Layout, int Slots, StepNumber LastStep, int CheckpointEvery)
{
    /// <summary>Null: the run does not validate.</summary>
    public ValidationRules? Validation { get; init; }

    /// <summary>Times that one rank may be lost without a commit in between, or a chunk that it scored; one more ends the run.</summary>
    public int MostLosses { get; init; } = int.MaxValue;

    /// <summary>Ranks without twins have standby copies.</summary>
    public bool Standby { get; init; }

    /// <summary>Ranks keep copies of one another's state.</summary>
    public bool KeepsCopies => Standby && Layout.MayKeepCopies;

    public int Ranks => Layout.Size;

    /// <summary>The ranks of a replica, ascending.</summary>
    public IReadOnlyList<Rank> Replica(int data) => [.. Layout.Replica(data).Select(rank => new Rank(rank))];

    /// <summary>The slots of a rank in an undisturbed step: those of its replica.</summary>
    public IReadOnlyList<SlotRange> SlotsOf(Rank rank) => SlotAssignment.Range(Slots, Layout.Data, Layout.CoordinatesOf(rank).Data) is { } range ? [range] : [];
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
}
