using System.Collections.Immutable;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;

namespace Tulu2.Cluster.Ledger;

/// <summary>The state of a run as the fold of its log entries. Immutable.</summary>
internal sealed record LedgerState
{
    // A file that is written beside the ledger is never so far behind.
    private const int MostRecent = 1000;

    public static LedgerState Empty { get; } = new();

    public long LastNumber { get; private init; }

    /// <summary>Highest generation opened; the next one is greater.</summary>
    public Generation Generation { get; private init; }

    /// <summary>Hash of the run's recipe; null: the run has not started.</summary>
    public string? RecipeHash { get; private init; }

    /// <summary>There is something to resume. A run that was stopped before its first step starts again.</summary>
    public bool HasSteps => Hashes.Count > 0 || Checkpoint is not null || Lost > 0 || Changes > 0;

    /// <summary>Number of changes of the recipe.</summary>
    public int Changes { get; private init; }

    /// <summary>Last committed step whose entry is lost; 0: none.</summary>
    public StepNumber Lost { get; private init; }

    /// <summary>Hash of every step's gradient as it was last committed.</summary>
    public ImmutableDictionary<StepNumber, string> Hashes { get; private init; } = ImmutableDictionary<StepNumber, string>.Empty;

    /// <summary>Steps that were committed and changed nothing, since they were not finite.</summary>
    public ImmutableHashSet<StepNumber> Skipped { get; private init; } = [];

    /// <summary>What was undone.</summary>
    public ImmutableList<Rollback> Rollbacks { get; private init; } = [];

    /// <summary>Losses of the steps that changed the weights, as they were last committed.</summary>
    public ImmutableDictionary<StepNumber, double> Losses { get; private init; } = ImmutableDictionary<StepNumber, double>.Empty;

    /// <summary>Slots that are left out of their steps. A change of the recipe leaves them so: their rows are the same.</summary>
    public ImmutableHashSet<StepSlot> Quarantined { get; private init; } = [];

    /// <summary>The step that was committed last: not the newest one where steps were being replayed. Null: none.</summary>
    public StepNumber? Decided { get; private init; }

    /// <summary>Steps since the newest checkpoint, as they were last committed; the last 1,000 of them.</summary>
    public ImmutableSortedDictionary<StepNumber, LedgerEvent.StepCommitted> Recent { get; private init; } =
        ImmutableSortedDictionary<StepNumber, LedgerEvent.StepCommitted>.Empty;

    /// <summary>The values of every validation, by step and name.</summary>
    public ImmutableSortedDictionary<StepNumber, IReadOnlyDictionary<string, double>> Validations { get; private init; } =
        ImmutableSortedDictionary<StepNumber, IReadOnlyDictionary<string, double>>.Empty;

    /// <summary>How the run last ended; null while it runs, or if it was killed.</summary>
    public LedgerEvent.RunFinished? Finished { get; private init; }

    /// <summary>Where the ranks' time went until the last entry.</summary>
    public AccountTail Times { get; private init; } = AccountTail.Empty;

    /// <summary>The newest checkpoint written.</summary>
    public LedgerEvent.CheckpointWritten? Checkpoint { get; private init; }

    /// <summary>The part of the run's history that the log lacks, where the run resumes from a manifest; null: nothing detectable.</summary>
    /// <param name="damaged">The damage, and where the damaged file is now.</param>
    public LedgerEvent.HistoryLost? MissingBefore(StepNumber step, string? manifest, (string Why, string SetAside)? damaged)
    {
        var known = step == 0 || step <= Lost || Hashes.ContainsKey(step);
        if (known && damaged is null) return null;
        var last = Math.Max(Lost, Hashes.Keys.Where(made => made < step).DefaultIfEmpty().Max());
        var why = damaged?.Why ?? $"the log ends after step {last}";
        return known ? new(step + 1, step, null, why, damaged?.SetAside) : new(last + 1, step, manifest, why, damaged?.SetAside);
    }

    public LedgerState Apply(LedgerEntry entry)
    {
        var next = this with { LastNumber = entry.Number, Times = TimesAfter(entry) };
        return entry.Event switch
        {
            // A run that starts again ignores the earlier content of its directory.
            LedgerEvent.RunStarted started => next with
            {
                RecipeHash = started.RecipeHash,
                Finished = null,
                Hashes = Hashes.Clear(),
                Skipped = [],
                Quarantined = [],
                Rollbacks = [],
                Losses = Losses.Clear(),
                Decided = null,
                Recent = Recent.Clear(),
                Validations = Validations.Clear(),
                Checkpoint = null,
                Changes = 0,
                Lost = default,
            },
            LedgerEvent.RunResumed resumed => next with { RecipeHash = resumed.RecipeHash, Finished = null },
            LedgerEvent.HistoryLost lost => next with { Lost = new(Math.Max(Lost, lost.To)) },
            // Where bits were changed, steps after that are others than they were.
            LedgerEvent.RecipeChanged changed => next with
            {
                RecipeHash = changed.RecipeHash,
                Changes = Changes + 1,
                Finished = null,
                Hashes = changed.RecipeHash == RecipeHash ? Hashes : Hashes.RemoveRange(Hashes.Keys.Where(step => step > changed.After)),
                Skipped = changed.RecipeHash == RecipeHash ? Skipped : Skipped.Except(Skipped.Where(step => step > changed.After)),
                // The states that it voids are so whatever the recipe is; what the changed recipe passes over it decides itself.
                Rollbacks = changed.RecipeHash == RecipeHash ? Rollbacks : [.. Rollbacks.Select(back => back.Through > changed.After ? back with { Through = new(Math.Max(back.To, changed.After)) } : back)],
                Losses = changed.RecipeHash == RecipeHash ? Losses : Losses.RemoveRange(Losses.Keys.Where(step => step > changed.After)),
                Decided = changed.RecipeHash == RecipeHash || Decided?.Value <= changed.After ? Decided : null,
                Recent = changed.RecipeHash == RecipeHash ? Recent : Recent.RemoveRange(Recent.Keys.Where(step => step > changed.After)),
                // Keys that decide no bit may decide which steps are validated, and what follows.
                Validations = Validations.RemoveRange(Validations.Keys.Where(step => step > changed.After)),
            },
            LedgerEvent.GenerationOpened opened => next with { Generation = new(Math.Max(Generation, opened.Generation)) },
            LedgerEvent.StepCommitted step => next with
            {
                Hashes = Hashes.SetItem(new StepNumber(step.Step), step.GradientHash),
                Skipped = step.Skipped is null ? Skipped.Remove(new StepNumber(step.Step)) : Skipped.Add(new StepNumber(step.Step)),
                Losses = step.Skipped is null ? Losses.SetItem(new StepNumber(step.Step), step.Loss) : Losses.Remove(new StepNumber(step.Step)),
                Decided = new StepNumber(step.Step),
                Recent = (Recent.Count < MostRecent ? Recent : Recent.Remove(Recent.Keys.First())).SetItem(new StepNumber(step.Step), step),
            },
            LedgerEvent.RolledBack back => next with
            {
                Rollbacks = Rollbacks.Add(new Rollback(new(back.Generation), new(back.To), new(back.Through), back.Why)),
                Hashes = Hashes.RemoveRange(Hashes.Keys.Where(step => step > back.To)),
                Losses = Losses.RemoveRange(Losses.Keys.Where(step => step > back.To)),
                Skipped = Skipped.Except(Skipped.Where(step => step > back.To)),
                Decided = Decided?.Value > back.To ? new(back.To) : Decided,
                Recent = Recent.RemoveRange(Recent.Keys.Where(step => step > back.To)),
                Validations = Validations.RemoveRange(Validations.Keys.Where(step => step > back.To)),
                Checkpoint = Checkpoint?.Step > back.To ? null : Checkpoint,
            },
            LedgerEvent.SlotQuarantined left => next with { Quarantined = Quarantined.Add(new StepSlot(new StepNumber(left.Step), new SlotNumber(left.Slot))) },
            LedgerEvent.Validated done => next with { Validations = Validations.SetItem(new StepNumber(done.Step), done.Values) },
            LedgerEvent.CheckpointWritten written => next with
            {
                Checkpoint = written,
                Recent = Recent.RemoveRange(Recent.Keys.Where(step => step <= written.Step)),
            },
            LedgerEvent.RunFinished finished => next with { Finished = finished },
            _ => next,
        };
    }

    private AccountTail TimesAfter(LedgerEntry entry) => entry.Event switch
    {
        LedgerEvent.RunStarted started => Times.Began(entry.Time, started.Ranks, isNew: true),
        LedgerEvent.RunResumed resumed => Times.Began(entry.Time, resumed.Ranks, isNew: false),
        LedgerEvent.TimeAccounted accounted => Times.Accounted(accounted.Times(), entry.Time),
        LedgerEvent.StepCommitted step => Times.Seen(entry.Time).Committed(step.Shares.Select(share => (share.Rank, share.Times)), Hashes.ContainsKey(new StepNumber(step.Step))),
        LedgerEvent.RunFinished => Times.Ended(),
        _ => Times.Seen(entry.Time),
    };
}
