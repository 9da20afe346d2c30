using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Simulation.Engine;
using Tulu2.Simulation.Model;

namespace Tulu2.Simulation.Schedules;

/// <summary>Errors that somebody could make in the protocol. Each has to break an invariant in some schedule; one that does not shows that an invariant is missing.</summary>
internal static class Mutations
{
    private static readonly Fault[] Losses = [Fault.WorkerDies, Fault.NodeDies], Successions = [Fault.CoordinatorDies, Fault.WorkerDies];
    private static readonly Fault[] Changes = [Fault.RunIsScaled, Fault.WorkerLeaves, Fault.NodeDies];

    public static IReadOnlyList<Mutation> All { get; } =
    [
        new("a slot is forgotten") { Does = effect => [WithoutLastSlot(effect)] },
        new("the last rank's word is not awaited") { Faults = [Fault.WorkerIsWrong, Fault.WorkerDies], Hears = WithoutLastWord },
        new("a commit is decided twice") { Does = effect => effect is SyncEffect.Committed ? [effect, effect] : [effect] },
        new("reports of an older generation count")
        {
            Faults = [Fault.WorkerDies, Fault.NetworkIsBad],
            Hears = (state, command) => [command is SyncCommand.Reported reported ? reported with { Report = InGeneration(reported.Report, state.Generation) } : command],
        },
        new("a successor takes the generation of its predecessor") { Faults = Successions, Begins = start => start with { Generation = new Generation(Math.Max(0, start.Generation - 1)) } },
        new("a successor forgets what was committed") { Faults = Successions, Begins = start => start with { Hashes = ImmutableDictionary<StepNumber, string>.Empty, Decided = null } },
        new("a successor takes the newest step for the last commit") { Faults = Successions, Begins = start => start with { Decided = null } },
        new("a new worker answers for the one that was lost") { Faults = Losses, Hears = (state, command) => [WithStateOfOthers(state, command)] },
        new("a copy is taken for one step newer") { Faults = Losses, Says = report => report is WorkerReport.Joined { Keeps: { } copy } joined ? joined with { Keeps = copy with { Step = copy.Step.Next() } } : report },
        new("a reduced gradient is forgotten") { Faults = Successions, Says = report => report is WorkerReport.Joined joined ? joined with { Reduced = null } : report },
        new("slots are held that are not") { Faults = Losses, Says = report => report is WorkerReport.Joined { Held: [var held, ..] } joined ? joined with { Held = [held with { Count = held.Count + 1 }] } : report },
        new("unequal gradients go unnoticed") { Faults = [Fault.WorkerIsWrong], Hears = (state, command) => [WithHashOfOthers(state, command)] },
        new("a checked slot is not compared") { Faults = [Fault.WorkerIsWrong, Fault.WorkerDies], Says = report => report is WorkerReport.StepReady ready ? ready with { Checked = null } : report },
        new("ranks are not replaced") { Faults = [Fault.WorkerIsWrong, Fault.WorkerFreezes], Does = effect => effect is SyncEffect.Restart ? [] : [effect] },
        new("commands come before the ledger") { Faults = Successions, OvertakesLedger = true },
        new("a generation is not flushed") { Faults = [Fault.CoordinatorMachineCrashes, Fault.WorkerDies], FlushesNoGeneration = true },
        new("a successor does not wait for the lock") { Faults = [Fault.CoordinatorFreezes, Fault.WorkerDies], IgnoresLock = true },
        new("a worker obeys older generations") { Faults = [Fault.WorkerDies, Fault.CoordinatorDies, Fault.WorkerFreezes], IgnoresFence = true },
        new("a worker goes on in a generation that was aborted") { Faults = Losses, GoesOnAfterAbort = true },
        new("the courier delivers twice") { Faults = [Fault.NetworkIsBad, Fault.WorkerDies], Stream = StreamFault.Repeats },
        new("the courier keeps no order") { Faults = [Fault.NetworkIsBad], Stream = StreamFault.Overtakes },
        new("the courier repeats nothing") { Faults = [Fault.NetworkIsBad], Stream = StreamFault.Forgets },
        new("a manifest does not wait for all shards")
        {
            Arrives = (catalog, rank, step, shard) => catalog.Awaited.Order()
                .Aggregate(catalog.Arrive(rank, step, shard), (arrived, other) => arrived.Next.Step is null ? arrived : arrived.Next.Arrive(other, step, shard)),
        },
        new("a shard of another step is accepted") { Faults = [Fault.WorkerDies, Fault.WorkerFreezes], Arrives = (catalog, rank, step, shard) => catalog.Arrive(rank, catalog.Step ?? step, shard) },
        new("a rank is missing from a roster")
        {
            Faults = Changes,
            Does = effect => [effect is SyncEffect.Tell { Command: WorkerCommand.JoinGeneration { Ranks.Count: > 1 } join } tell ? tell with { Command = WithoutOther(join) } : effect],
        },
        new("a rank that takes part is released")
        {
            Faults = Changes,
            Does = effect => effect is SyncEffect.Tell { Rank: var rank, Command: WorkerCommand.Commit { Step.Value: 3 } } ? [effect, new SyncEffect.Released([rank])] : [effect],
        },
        new("those that leave are let go at once")
        {
            Faults = [Fault.WorkerLeaves, Fault.NodeLeaves],
            Hears = (state, command) => [command is SyncCommand.RankLeaves leaves ? new SyncCommand.RankLost(leaves.Rank, leaves.Incarnation, leaves.Why, leaves.Now) : command],
        },
        new("checkpoints are deleted while they are loaded") { Faults = Losses, PrunesAtOnce = true },
        new("an outcome counts twice") { Faults = [Fault.EvaluatorDies, Fault.NetworkIsBad, Fault.CoordinatorDies], KeepsEveryOutcome = true },
    ];

    public static Mutation Named(string name) => All.Append(Mutation.None).FirstOrDefault(mutation => mutation.Name == name)
        ?? throw new ArgumentException($"no mutation is named {name}; there are: {string.Join(", ", All.Select(mutation => mutation.Name))}");

    private static SyncEffect WithoutLastSlot(SyncEffect effect)
    {
        if (effect is not SyncEffect.Tell { Command: WorkerCommand.Begin { Compute: [.., var last] } begin } tell) return effect;
        SlotRange[] rest = last.Count > 1 ? [last with { Count = last.Count - 1 }] : [];
        return tell with { Command = begin with { Compute = [.. begin.Compute.SkipLast(1), .. rest] } };
    }

    // Its neighbour, as it is told; each rank then knows of another set.
    private static WorkerCommand.JoinGeneration WithoutOther(WorkerCommand.JoinGeneration join)
    {
        Rank[] ranks = [.. join.Ranks.Where(rank => rank == join.Rank)];
        return join with { Ranks = ranks, Endpoints = [.. join.Ranks.Zip(join.Endpoints).Where(each => each.First == join.Rank).Select(each => each.Second)] };
    }

    private static IEnumerable<SyncCommand> WithoutLastWord(GradientSyncState state, SyncCommand command)
    {
        yield return command;
        if (command is not SyncCommand.Reported { Report: WorkerReport.StepReady ready } reported || state.Phase is not SyncPhase.Running) yield break;
        if (state.Seats.Where(seat => seat.Ready is null && seat.Rank != ready.Rank).ToArray() is [var last]) yield return reported with { Report = ready with { Rank = last.Rank } };
    }

    private static WorkerReport InGeneration(WorkerReport report, Generation generation) => report switch
    {
        WorkerReport.Joined joined => joined with { Generation = generation },
        WorkerReport.SlotDone slot => slot with { Generation = generation },
        WorkerReport.StepReady ready => ready with { Generation = generation },
        WorkerReport.Applied applied => applied with { Generation = generation },
        _ => report,
    };

    private static SyncCommand WithStateOfOthers(GradientSyncState state, SyncCommand command)
    {
        var known = state.Seats.Select(seat => seat.Joined).FirstOrDefault(joined => joined?.StateStep >= 0);
        return known is not null && command is SyncCommand.Reported { Report: WorkerReport.Joined joined } reported && joined.StateStep < 0
            ? reported with { Report = joined with { StateStep = known.StateStep } }
            : command;
    }

    private static SyncCommand WithHashOfOthers(GradientSyncState state, SyncCommand command)
    {
        var known = state.Seats.Select(seat => seat.Ready).FirstOrDefault(ready => ready is not null);
        return known is not null && command is SyncCommand.Reported { Report: WorkerReport.StepReady ready } reported
            ? reported with { Report = ready with { GradientHash = known.GradientHash } }
            : command;
    }
}
