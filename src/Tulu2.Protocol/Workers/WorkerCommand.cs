using Tulu2.Collectives;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Workers;

/// <summary>
/// A command to a worker. Commands are done in order, except <see cref="JoinGeneration"/> and <see cref="Shutdown"/>, which also end at once whatever
/// collective call or wait the worker is in.
/// </summary>
public abstract record WorkerCommand
{
    private WorkerCommand() { }

    /// <summary>A command that has an effect in its own generation only: the worker's loop drops it in any other (docs/protocol.md, fencing).</summary>
    public abstract record OfGeneration(Generation Generation) : WorkerCommand;

    /// <summary>Leave every older generation, join this one on the data plane, and answer <see cref="WorkerReport.Joined"/>. Slot gradients are kept.</summary>
    /// <param name="Endpoints">Of the ranks that take part, ascending: where the data plane of each is reached, from <see cref="WorkerReport.Started"/>.</param>
    public sealed record JoinGeneration(Generation Generation, Rank Rank, IReadOnlyList<string> Endpoints) : WorkerCommand
    {
        /// <summary>The ranks that take part, ascending (<see cref="Roster"/>).</summary>
        public IReadOnlyList<Rank> Ranks { get; init; } = [.. Ids.Rank.All(Endpoints.Count)];
    }

    /// <summary>
    /// Bring the state to <paramref name="Step"/> - 1 by <paramref name="Transfer"/> (every rank of the generation gets the same one; a rank that holds the reduced
    /// gradient of that step applies it), then compute <paramref name="Compute"/> (slots that no rank holds and no other one computes), reduce with everything held, and answer
    /// <see cref="WorkerReport.StepReady"/>. Steps that follow a commit in the same generation begin by themselves with <see cref="SlotAssignment.Range"/>.
    /// </summary>
    /// <param name="Keep">Ranges of the slot gradients held for this step that are used; the others are dropped.</param>
    public sealed record Begin(
        Generation Generation, StepNumber Step, StateTransfer Transfer, IReadOnlyList<SlotRange> Keep, IReadOnlyList<SlotRange> Compute)
        : OfGeneration(Generation)
    {
        /// <summary>Slots of this step and later ones that are left out: whoever is to compute one adds a gradient of zeros in its place. The same for every rank.</summary>
        public IReadOnlyList<StepSlot> LeftOut { get; init; } = [];

        /// <summary>Of this step and later ones: those that are committed and change nothing, and of which no slot is computed. The same for every rank.</summary>
        public IReadOnlyList<StepRange> PassedOver { get; init; } = [];

        /// <summary>The same for every rank of the generation.</summary>
        public StandbyOrder Standby { get; init; } = StandbyOrder.None;

        /// <summary>A slot of this step that is checked; null: none is. The same for every rank.</summary>
        public SlotCheck? Check { get; init; }
    }

    /// <summary>The batch of one slot this rank will compute; may come before it is needed.</summary>
    public sealed record Feed(SlotBatch Batch) : WorkerCommand;

    /// <summary>Apply the optimizer with the reduced gradient of <paramref name="Step"/>, unless it is applied already; answer <see cref="WorkerReport.Applied"/>.</summary>
    /// <remarks>A step that is not finite (<see cref="WorkerReport.StepReady.Fault"/>) is passed over: the state has its number and is otherwise as it was.</remarks>
    /// <param name="Snapshot">Copy this rank's share of the state to host memory and write it in the background: <see cref="WorkerReport.ShardWritten"/>.</param>
    public sealed record Commit(Generation Generation, StepNumber Step, bool Snapshot, AfterCommit Then) : OfGeneration(Generation)
    {
        /// <summary>A slot that is checked of the step that follows in the same generation; null: none is. The same for every rank.</summary>
        public SlotCheck? CheckNext { get; init; }
    }

    /// <summary>
    /// Bring the state to <paramref name="Step"/> by <paramref name="Transfer"/> (every rank of the generation gets the same one), compute nothing, and answer
    /// <see cref="WorkerReport.Applied"/>.
    /// </summary>
    public sealed record Restore(Generation Generation, StepNumber Step, StateTransfer Transfer) : OfGeneration(Generation)
    {
        /// <summary>As in <see cref="Begin"/>.</summary>
        public StandbyOrder Standby { get; init; } = StandbyOrder.None;
    }

    /// <summary>Score the segments of a batch: for the reference pass, before the first step, or a validation. Answer <see cref="WorkerReport.Scored"/>.</summary>
    /// <param name="Step">The step whose parameters score; 0: the initial weights.</param>
    public sealed record Score(Generation Generation, StepNumber Step, int Task, SlotBatch Batch) : OfGeneration(Generation);

    /// <summary>Stop after what is being computed; free everything.</summary>
    public sealed record Shutdown : WorkerCommand;
}

/// <summary>What a rank does when it has applied a commit.</summary>
public enum AfterCommit
{
    /// <summary>Begin its replica's slots of the next step.</summary>
    GoOn,

    /// <summary>Compute nothing until the next command: the step is validated.</summary>
    Wait,

    /// <summary>It was the run's last step: hash the parameters.</summary>
    End,
}
