using System.Collections.Immutable;

namespace Tulu2.Cluster.Ledger;

/// <summary>What the log says about a run, as the fold of its entries. Immutable.</summary>
internal sealed record LedgerState
{
    public static LedgerState Empty { get; } = new();

    public long LastNumber { get; private init; }

    /// <summary>The highest ever opened; the next one is greater.</summary>
    public long Generation { get; private init; }

    /// <summary>Of the recipe the run was begun with; null: it was not begun yet.</summary>
    public string? RecipeHash { get; private init; }

    /// <summary>There is something to go on with. A run that was stopped before its first step begins anew.</summary>
    public bool HasSteps => Hashes.Count > 0 || Checkpoint is not null;

    /// <summary>Hash of every step's gradient as it was last committed.</summary>
    public ImmutableDictionary<int, string> Hashes { get; private init; } = ImmutableDictionary<int, string>.Empty;

    /// <summary>The end of the last life of the run; null while it lives, or was killed.</summary>
    public LedgerEvent.RunFinished? Finished { get; private init; }

    /// <summary>The newest checkpoint written.</summary>
    public LedgerEvent.CheckpointWritten? Checkpoint { get; private init; }

    public LedgerState Apply(LedgerEntry entry)
    {
        var next = this with { LastNumber = entry.Number };
        return entry.Event switch
        {
            // A run that starts anew owes nothing to what its directory held before.
            LedgerEvent.RunStarted started => next with { RecipeHash = started.RecipeHash, Finished = null, Hashes = Hashes.Clear(), Checkpoint = null },
            LedgerEvent.RunResumed => next with { Finished = null },
            LedgerEvent.GenerationOpened opened => next with { Generation = Math.Max(Generation, opened.Generation) },
            LedgerEvent.StepCommitted step => next with { Hashes = Hashes.SetItem(step.Step, step.GradientHash) },
            LedgerEvent.CheckpointWritten written => next with { Checkpoint = written },
            LedgerEvent.RunFinished finished => next with { Finished = finished },
            _ => next,
        };
    }
}
