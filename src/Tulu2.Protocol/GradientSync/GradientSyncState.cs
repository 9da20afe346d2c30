using System.Collections.Immutable;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>
/// Roster, generation, the commit of each step, and recovery: docs/protocol.md from the supervisor's side. A value without clock, disk or actors:
/// <see cref="Decide"/> gives the state after a command and what is to be done. Reports of another generation have no effect, and neither has one that
/// comes twice.
/// </summary>
public sealed partial record GradientSyncState
{
    private readonly SyncRules _rules;

    private GradientSyncState(SyncRules rules) => (_rules, LastStep, Wanted, Roster) = (rules, rules.LastStep, rules.Layout, Roster.Whole(rules.Layout));

    public SyncPhase Phase { get; private init; } = new SyncPhase.Gathering(TimeSpan.Zero, "the run begins");

    /// <summary>The present one; its reports count.</summary>
    public Generation Generation { get; private init; }

    /// <summary>By rank.</summary>
    public ImmutableArray<RankSeat> Seats { get; private init; }

    /// <summary>The layout that the run is to have.</summary>
    public ParallelLayout Wanted { get; private init; }

    /// <summary>The ranks of the present generation.</summary>
    public Roster Roster { get; private init; }

    // The step after which the run ends: that of the rules, or an earlier one whose commit was decided when the run was to stop.
    private StepNumber LastStep { get; init; }

    // By step: of every commit ever decided, also in an earlier life.
    private ImmutableDictionary<StepNumber, string> Hashes { get; init; } = ImmutableDictionary<StepNumber, string>.Empty;
    private KnownManifest? Manifest { get; init; }

    // Steps whose commits changed nothing, since they were not finite; also of an earlier life.
    private ImmutableHashSet<StepNumber> Skipped { get; init; } = [];

    // Slots that are left out, also of an earlier life; and the workers that have ended with a slot under way, of steps that are not committed since.
    private ImmutableHashSet<StepSlot> Quarantined { get; init; } = [];
    private ImmutableList<SlotDeath> Deaths { get; init; } = [];

    // What ranks hold of the step is dropped: a slot of it is left out since then.
    private bool DropsHeld { get; init; }
    private SnapshotStatus Snapshot { get; init; } = new SnapshotStatus.None();
    private bool ReferenceDue { get; init; }
    private ValidationHistory Validated { get; init; } = ValidationHistory.Empty;
    private bool Stopping { get; init; }
    private HashTie? Tie { get; init; }

    // The step of which a checkpoint was tried before workers leave that have what nobody else has.
    private StepNumber SavedFor { get; init; }

    // When the last worker came.
    private TimeSpan LastUp { get; init; }

    // How often in a row, without a commit, all ranks had their slots and did not meet.
    private int Unmet { get; init; }
    private ProgressLease Lease { get; init; } = ProgressLease.Default;
    private RunPhase Told { get; init; } = RunPhase.Starting;

    /// <summary>By rank: who keeps its copy in the present generation. Empty: there are no copies.</summary>
    public ImmutableArray<Rank> Keepers { get; private init; } = [];

    // The last commit that was decided, also by an earlier supervisor. Not the newest step where steps are replayed.
    private StepNumber Decided { get; init; }

    /// <summary>Unequal gradients of a step without a majority.</summary>
    /// <param name="Retried">The step was begun again, without the gradients that were held.</param>
    private sealed record HashTie(StepNumber Step, bool Retried);

    public static GradientSyncState Of(SyncRules rules, SyncStart start, ProgressLease lease) => new(rules)
    {
        Generation = start.Generation,
        Manifest = start.Manifest,
        Hashes = start.Hashes,
        Decided = start.Decided ?? start.Hashes.Keys.DefaultIfEmpty().Max(),
        ReferenceDue = start.ReferenceDue,
        Validated = start.Validated,
        Skipped = start.Skipped,
        Quarantined = start.Quarantined,
        Rollbacks = start.Rollbacks,
        LossOf = start.Losses,
        // What ranks hold of the step may be of before.
        DropsHeld = start.Quarantined.Any(slot => !start.Hashes.ContainsKey(slot.Step)),
        Lease = lease,
        Seats = [.. Rank.All(rules.Ranks).Select(rank => new RankSeat(rank))],
    };

    public Decision Decide(SyncCommand command)
    {
        if (Phase is SyncPhase.Over) return Stay;
        var decision = command switch
        {
            SyncCommand.RankUp up => RankUp(up),
            SyncCommand.RankLost lost => RankLost(lost),
            SyncCommand.RankLeaves leaves => RankLeaves(leaves),
            SyncCommand.Scale scale => Scale(scale),
            SyncCommand.Reported { Report: WorkerReport.Joined joined } => Joined(joined, command.Now),
            SyncCommand.Reported { Report: WorkerReport.SlotBegun begun } => SlotBegun(begun),
            SyncCommand.Reported { Report: WorkerReport.SlotDone slot } => SlotDone(slot, command.Now),
            SyncCommand.Reported { Report: WorkerReport.StepReady ready } => StepReady(ready, command.Now),
            SyncCommand.Reported { Report: WorkerReport.Applied applied } => Applied(applied, command.Now),
            SyncCommand.Scored scored => Phase is SyncPhase.Scoring or SyncPhase.Validating ? To(Advanced(scored.Rank, command.Now)) : Stay,
            SyncCommand.Validated validated => ValidationDone(validated),
            SyncCommand.ReferenceDone => To(this with { ReferenceDue = false }).When(Phase is SyncPhase.Scoring, next => next.Begin(command.Now)),
            SyncCommand.SnapshotSettled settled => SnapshotSettled(settled),
            SyncCommand.RolledBack done => RolledBack(done),
            SyncCommand.SnapshotDue when Snapshot is SnapshotStatus.None => To(this with { Snapshot = new SnapshotStatus.Due() }),
            SyncCommand.Stop => Stop(command.Now),
            SyncCommand.Tick => Tick(command.Now),
            SyncCommand.Slept => To(Refreshed(command.Now)),
            _ => Stay,
        };
        return decision.When(decision.Effects.Any(effect => effect is SyncEffect.RankOut), next => next.GiveUp(command.Now).Then(after => after.JudgeSlots()));
    }

    private Decision Stay => new(this, []);

    private static Decision To(GradientSyncState next, params ImmutableArray<SyncEffect> effects) => new(next, effects);

    private GradientSyncState Seat(Rank rank, Func<RankSeat, RankSeat> change) => this with { Seats = Seats.SetItem(rank, change(Seats[rank])) };

    private IEnumerable<RankSeat> Members => Roster.Ranks.Select(rank => Seats[rank]);

    private GradientSyncState Each(Func<RankSeat, RankSeat> change) =>
        this with { Seats = [.. Seats.Select(seat => Roster.Contains(seat.Rank) ? change(seat) : seat)] };

    // One rank speaks for its replica: the others had their part in what it did.
    private GradientSyncState Advanced(Rank rank, TimeSpan now) => !Roster.Contains(rank) ? this : Roster.Replica(Roster.ReplicaOf(rank))
        .Aggregate(this, (next, member) => next.Seat(member, seat => seat with { Progress = now, Work = RankWork.Computing, Losses = 0 }));

    private Decision Fail(RunFailure failure) => To(this with { Phase = new SyncPhase.Over() }, new SyncEffect.Failed(failure));

    private Decision Tell(RunPhase phase) => Told == phase ? Stay : To(this with { Told = phase }, new SyncEffect.PhaseChanged(phase));

    private Decision Stop(TimeSpan now)
    {
        // Nothing has been computed, so there is nothing to keep.
        var begun = Seats.Any(seat => seat.Step > 0);
        if (!begun) return StopHere();
        var next = this with { Stopping = true };
        // No step is under way that could be the last one: it is the one that was committed. The validation is made when the run is resumed. Ranks that share a chunk
        // must all do it or none: a new generation takes it from all of them.
        return Phase is SyncPhase.Validating { Step: var step } && next.StopsAt(step) && AwaitsValidation(step)
            ? next.OpenGeneration("the run is to stop", now) : To(next);
    }

    // Where the checkpoint of a later step has settled, after the ranks went back to an earlier one, the run goes on to that step.
    private bool StopsAt(StepNumber step) => Stopping && !(Manifest?.Step > step);

    // At the newest checkpoint: whatever came after it is made again, with the same bits, when the run is resumed.
    private Decision StopHere() =>
        To(this with { Phase = new SyncPhase.Over() }, new SyncEffect.Finished(Manifest?.Step ?? default, null, Manifest?.Path, Cancelled: true));

    private Decision SnapshotSettled(SyncCommand.SnapshotSettled settled)
    {
        var isNewest = settled.Step >= (Manifest?.Step ?? default);
        var next = isNewest && settled.ManifestPath is { } path ? this with { Manifest = new KnownManifest(path, settled.Step) } : this;
        if (Snapshot is not SnapshotStatus.InFlight flight || flight.Step != settled.Step) return To(next);
        next = next with { Snapshot = SnapshotStatus.After(flight.AnotherDue) };
        if (Phase is SyncPhase.Keeping { Step: var kept }) return next.Kept(kept, settled, flight.IsAbandoned);
        if (settled.ManifestPath is not null) return next.Finish().Then(after => after.Commit(settled.Now)).Then(after => after.HasChanged(settled.Now));
        if (Phase is not SyncPhase.Finishing)
            return To(next with { Snapshot = SnapshotStatus.After(flight.AnotherDue || settled.Lost) }).Then(after => after.Commit(settled.Now))
                .Then(after => after.HasChanged(settled.Now));
        return settled.Lost
            ? To(next with { Phase = new SyncPhase.Gathering(settled.Now, settled.Error ?? "a rank was lost") }).Then(after => after.Gather(settled.Now))
            : next.FailLastCheckpoint(settled);
    }

    private Decision FailLastCheckpoint(SyncCommand.SnapshotSettled settled) => Fail(
        new RunFailure($"the last checkpoint, of step {settled.Step}, could not be written: {settled.Error}", "",
            "checkpoints/", "free space on the disk of the run directory, or make it writable, then resume the run"));

    // The end: the last commit is applied wherever there is a worker, and its checkpoint exists.
    private Decision Finish()
    {
        if (Phase is not SyncPhase.Finishing || Manifest?.Step != LastStep) return Stay;
        var members = Members.Where(seat => seat.IsMember).ToArray();
        if (members.Any(seat => !seat.HasEnded(LastStep))) return Stay;
        var hashes = members.Select(seat => seat.Applied!.ParametersSha256).OfType<string>().Distinct().ToArray();
        if (hashes.Length > 1)
        {
            var told = string.Join(", ", members.Select(member => $"rank {member.Rank} {member.Applied!.ParametersSha256}"));
            return Fail(new RunFailure($"the ranks have different parameters after step {LastStep}: {told}", ""));
        }
        return To(this with { Phase = new SyncPhase.Over() }, new SyncEffect.Finished(LastStep, hashes.FirstOrDefault(), Manifest.Path, Cancelled: !Completes(LastStep)));
    }
}
