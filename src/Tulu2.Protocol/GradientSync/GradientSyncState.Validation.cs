using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>
/// Validation: after the commit of a step that is due for one, the ranks wait and score the validation data; then the run keeps the step's checkpoint, ends, or goes
/// on. What follows is a function of the values alone, so a run that lost a rank, or was resumed, does the same.
/// </summary>
public sealed partial record GradientSyncState
{
    private bool IsValidated(StepNumber step) => _rules.Validation?.IsDue(step, _rules.LastStep) == true;

    private ValidationVerdict Verdict(StepNumber step) => Validated.At(step, _rules.Validation!);

    // The step is made, and what its validation asks for is not done. After the last one it is its checkpoint, and the end.
    private bool IsUnsettled(StepNumber step) =>
        Ends(step) || (IsValidated(step) && (!Validated.Has(step) || (Keeps(step) && !(Manifest?.Step >= step))));

    private bool Ends(StepNumber step) => step >= LastStep || (IsValidated(step) && StopsAt(step)) || (Validated.Has(step) && Verdict(step).Stops);

    // The run has nothing left to do after this step.
    private bool Completes(StepNumber step) => step == _rules.LastStep
        ? !IsValidated(step) || Validated.Has(step)
        : Validated.Has(step) && Verdict(step).Stops;

    private bool Keeps(StepNumber step) => Ends(step) || (_rules.Validation!.KeepBest && Verdict(step).IsBest);

    // A generation has begun whose ranks have, or get, a step that is to be validated, or is the last.
    private Decision Restore(StepNumber step, StateTransfer transfer, StandbyOrder standby, StepEntry entry, TimeSpan now)
    {
        var work = entry == StepEntry.Loading ? RankWork.Loading : RankWork.Computing;
        // Ranks that had not heard of a snapshot of this step when the generation began will not hear of it any more: it is taken again.
        var again = Snapshot is SnapshotStatus.InFlight flight && flight.Step == step ? flight with { IsAbandoned = true } : null;
        return To((this with { Snapshot = again ?? Snapshot, Phase = new SyncPhase.Validating(step, entry) }).Each(seat => seat with { Step = step, Work = work, Progress = now }))
            .Do(again is null ? Overtaken() : [new SyncEffect.SnapshotRanksGone(step, [.. Rank.All(Seats.Length)])])
            .Do(Roster.Ranks.Select(rank => new SyncEffect.Tell(rank, new WorkerCommand.Restore(Generation, step, transfer) { Standby = standby })))
            .Then(next => next.Validate(step, now));
    }

    // A rank that does not come to the step is replaced. Of those that score, one may be silent since nothing is left for it: only where nothing comes from any of
    // them they meet anew, and who does not come then is replaced.
    private Decision MeetAgain(SyncPhase.Validating validating, TimeSpan now)
    {
        var patience = validating.Entry is StepEntry.Loading or StepEntry.Copying ? LoadPatience : Lease.Deadline();
        var replaced = ReplaceSilent($"coming to step {validating.Step}", seat => seat.Up && !seat.Has(validating.Step), _ => patience, now);
        if (replaced.Effects.Length > 0) return replaced;
        return Members.All(seat => seat.Up && now - seat.Progress > Lease.Deadline())
            ? OpenGeneration($"the validation of step {validating.Step} made no progress", now)
            : Stay;
    }

    private Decision HasArrived(TimeSpan now) => Phase switch
    {
        SyncPhase.Validating { Step: var step } when !AwaitsValidation(step) => Proceed(step, now),
        SyncPhase.Changing { Step: var step } when Members.All(seat => seat.Has(step)) => GoOn(step, now),
        _ => Stay,
    };

    private bool AwaitsValidation(StepNumber step) => IsValidated(step) && !StopsAt(step) && !Validated.Has(step);

    private Decision Validate(StepNumber step, TimeSpan now) => !AwaitsValidation(step)
        ? Proceed(step, now)
        : Tell(RunPhase.Validation).Do(new SyncEffect.BeginValidation(Generation, step, Roster));

    private Decision ValidationDone(SyncCommand.Validated done)
    {
        if (Validated.Has(done.Step) || !IsValidated(done.Step)) return Stay;
        var next = this with { Validated = Validated.With(done.Step, done.Value) };
        // Between two generations the value counts as well: the next one finds it.
        return To(next, new SyncEffect.Validated(done.Step, next.Verdict(done.Step)))
            .When(Phase is SyncPhase.Validating { Step: var step } && step == done.Step, after => after.Proceed(done.Step, done.Now));
    }

    // What follows from the validation is known; it waits until all ranks have the step.
    private Decision Proceed(StepNumber step, TimeSpan now)
    {
        if (!Members.All(seat => seat.Has(step))) return Stay;
        if (!Keeps(step) || Manifest?.Step >= step) return Ends(step) ? End(step, now) : GoOn(step, now);
        var keeping = this with { Phase = new SyncPhase.Keeping(step) };
        if (Snapshot is SnapshotStatus.InFlight) return To(keeping);
        return To(keeping with { Snapshot = new SnapshotStatus.InFlight(step, now) }, new SyncEffect.SnapshotBegun(step, Roster))
            .Do(TellCommit(step, snapshot: true, AfterCommit.Wait));
    }

    // A snapshot is settled while a validated step's checkpoint is awaited: that one, or an earlier one that stood in its way.
    private Decision Kept(StepNumber step, SyncCommand.SnapshotSettled settled, bool wasAbandoned)
    {
        if (settled.Step != step || settled.ManifestPath is not null || wasAbandoned) return Proceed(step, settled.Now);
        // No rank is known to be lost, but one did not write: they meet anew, and who does not come is replaced.
        if (settled.Lost) return OpenGeneration(settled.Error ?? "a checkpoint was not written in time", settled.Now);
        return Ends(step) ? FailLastCheckpoint(settled) : GoOn(step, settled.Now);
    }

    private Decision End(StepNumber step, TimeSpan now)
    {
        var next = (this with { Phase = new SyncPhase.Finishing(), LastStep = step }).Each(seat => seat with { Progress = now });
        return To(next).Do(TellCommit(step, snapshot: false, AfterCommit.End)).Then(after => after.Tell(RunPhase.Finishing));
    }

    private Decision GoOn(StepNumber step, TimeSpan now)
    {
        if (RosterIsDue) return ChangeRoster(step, now);
        var next = (this with { Phase = new SyncPhase.Running(step.Next(), now, StepEntry.InStride) })
            .Each(seat => seat.Assigned(step.Next(), [], SlotsOf(seat.Rank), RankWork.Computing, now)).WithCheck(step.Next());
        return next.Tell(RunPhase.Training).Do(Roster.Ranks.Select(rank => new SyncEffect.Tell(
            rank,
            new WorkerCommand.Begin(Generation, step.Next(), new StateTransfer.None(), [], SlotsOf(rank))
            {
                Standby = new StandbyOrder(Keepers, []),
                LeftOut = LeftOutFrom(step.Next()),
                PassedOver = PassedOverFrom(step.Next()),
                Check = next.Check,
            })));
    }
}
