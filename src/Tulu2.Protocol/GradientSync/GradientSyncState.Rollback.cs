using System.Collections.Immutable;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>
/// Rollback: where a step is not finite, or its loss a spike, some commits before it are undone and their data passed over. The decision is a function of the steps' values
/// and so the same in every replay; it is in the ledger before any rank goes on.
/// </summary>
public sealed partial record GradientSyncState
{
    private const string NoSoundStep = "lower optimizer.learning_rate or raise schedule.warmup, look at the data, and resume from a checkpoint of before";

    private ImmutableList<Rollback> Rollbacks { get; init; } = [];

    // Of the steps that changed the weights.
    private ImmutableDictionary<StepNumber, double> LossOf { get; init; } = ImmutableDictionary<StepNumber, double>.Empty;

    private bool PassesOver(StepNumber step) => Rollbacks.Exists(rollback => rollback.PassesOver(step));

    private ImmutableArray<StepRange> PassedOverFrom(StepNumber step) =>
        [.. Rollbacks.Where(rollback => rollback.Through >= step).Select(rollback => new StepRange(rollback.To.Next(), rollback.Through))];

    // Why the step takes the run back; null: it does not. A step that was committed once is made again as it was.
    private string? Objection(StepNumber step, WorkerReport.StepReady ready)
    {
        if (Hashes.ContainsKey(step) || PassesOver(step)) return null;
        if (ready.Fault is { } fault) return _rules.RollsBackNonFinite ? $"step {step}: {fault.What}; {SlotsText(step, fault.Slots)}" : null;
        return _rules.Spike is { } spike && spike.IsSpike(step, ready.Metrics.Loss, LossOf)
            ? FormattableString.Invariant($"the loss {ready.Metrics.Loss:G6} of step {step} is more than {spike.Factor:G6} times the median of the {spike.Window} steps before")
            : null;
    }

    private Decision RollBack(StepNumber step, string why)
    {
        if (Rollbacks.Count >= _rules.MostRollbacks)
            return Fail(new RunFailure($"{why}; the run was rolled back {Rollbacks.Count} times before, and is not once more", "", BadInputFix: NoSoundStep));
        var to = new StepNumber(Math.Max(0, step - _rules.RollbackSteps));
        var best = _rules.Validation is { } rules ? Validated.Until(to).At(to, rules).Best : null;
        return To(this with { Phase = new SyncPhase.RollingBack(to, step, why) }, new SyncEffect.RollBack(to, best));
    }

    // No checkpoint has a step that is void.
    private Decision RolledBack(SyncCommand.RolledBack done)
    {
        if (Phase is not SyncPhase.RollingBack rolling) return Stay;
        var rollback = new Rollback(Generation, rolling.To, rolling.Through, rolling.Why);
        ImmutableHashSet<StepNumber> Until(ImmutableHashSet<StepNumber> steps) => [.. steps.Where(step => step <= rolling.To)];
        var next = this with
        {
            Phase = new SyncPhase.Gathering(done.Now, rolling.Why),
            Rollbacks = Rollbacks.Add(rollback),
            Manifest = done.Newest,
            Hashes = Hashes.RemoveRange(Hashes.Keys.Where(step => step > rolling.To)),
            LossOf = LossOf.RemoveRange(LossOf.Keys.Where(step => step > rolling.To)),
            Skipped = Until(Skipped),
            Validated = Validated.Until(rolling.To),
            Decided = new StepNumber(Math.Min(Decided, rolling.To)),
            Snapshot = new SnapshotStatus.None(),
            SavedFor = default,
            Tie = null,
            Check = null,
            Dispute = null,
            Seats = [.. Seats.Select(seat => seat with { IsSettled = false })],
        };
        return To(next, new SyncEffect.RolledBack(rollback), new SyncEffect.Warned(
                $"{rolling.Why}: the run goes back to step {rolling.To} and passes over the data of the {rolling.Through - rolling.To} steps after it"))
            .Then(after => after.Gather(done.Now));
    }

    // What a rollback has undone it does not bring into a generation.
    private WorkerReport.Joined Sound(WorkerReport.Joined joined)
    {
        bool IsVoid(StepNumber step) => Rollbacks.Exists(rollback => rollback.Voids(joined.Since, step));
        if (IsVoid(joined.StateStep)) joined = joined with { StateStep = new StepNumber(-1), Held = [], Reduced = null };
        else if (IsVoid(joined.StateStep.Next())) joined = joined with { Held = [], Reduced = null };
        return joined.Keeps is { } copy && IsVoid(copy.Step) ? joined with { Keeps = null } : joined;
    }
}
