using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Protocol.Workers;

/// <summary>A report of a worker to whoever started it, on the worker's own thread.</summary>
public abstract record WorkerReport
{
    private WorkerReport() { }

    /// <summary>The first report of a worker: it takes commands now.</summary>
    /// <param name="Endpoint">Where its data plane is reached (<see cref="ICollectiveFactory.Endpoint"/>).</param>
    public sealed record Started(string Endpoint) : WorkerReport;

    /// <summary>Repeated by worker processes, only to the process that started them: this one runs.</summary>
    public sealed record Alive : WorkerReport;

    /// <summary>The worker was told to go (SIGTERM): it goes on until it is let go at the end of the step.</summary>
    public sealed record Leaving(string Why) : WorkerReport;

    /// <param name="StateStep">Steps applied to the parameters this worker holds; -1: it holds none.</param>
    /// <param name="Held">Slot ranges of step <paramref name="StateStep"/> + 1 whose gradients it holds.</param>
    /// <param name="Reduced">
    /// Hash of the reduced gradient of step <paramref name="StateStep"/> + 1, which it holds complete, like that of the rank whose copy it keeps; null: it does not.
    /// </param>
    public sealed record Joined(Generation Generation, Rank Rank, StepNumber StateStep, IReadOnlyList<SlotRange> Held, string? Reduced) : WorkerReport
    {
        /// <summary>The copy that it keeps of another rank's state; null: none.</summary>
        public StandbyCopy? Keeps { get; init; }

        /// <summary>The generation in which it was last brought to a state; what it has since then, that generation has made.</summary>
        public Generation Since { get; init; } = Generation.None;
    }

    /// <summary>The worker begins a pass of this slot: should it end now, the slot may be why.</summary>
    public sealed record SlotBegun(Generation Generation, Rank Rank, StepNumber Step, SlotNumber Slot) : WorkerReport;

    public sealed record SlotDone(Generation Generation, Rank Rank, StepNumber Step, SlotNumber Slot, double Seconds) : WorkerReport;

    /// <param name="GradientHash">Hash of the reduced gradient; equal on every rank, or one of them is corrupt.</param>
    public sealed record StepReady(Generation Generation, Rank Rank, StepNumber Step, string GradientHash, StepMetrics Metrics, StepTimes Times) : WorkerReport
    {
        /// <summary>Not null: a value of the step is not finite. Its commit changes no weight and no moment, whoever decides it.</summary>
        public StepFault? Fault { get; init; }

        /// <summary>Of the step's <see cref="SlotCheck"/>; null: there is none, or others compute its slot.</summary>
        public CheckedSlot? Checked { get; init; }
    }

    /// <param name="Then">As the commit said.</param>
    /// <param name="ParametersSha256">After the last step of a rank that holds everything, else null: see <c>train --json</c>.</param>
    public sealed record Applied(Generation Generation, Rank Rank, StepNumber Step, double Seconds, AfterCommit Then, string? ParametersSha256) : WorkerReport;

    /// <summary>One shard file is durable under its final name.</summary>
    public sealed record ShardWritten(Rank Rank, StepNumber Step, ShardEntry Shard) : WorkerReport;

    /// <summary>The rank's share of the state is copied in memory, and is being written.</summary>
    /// <param name="Seconds">That the rank's step waited for the copy.</param>
    public sealed record SnapshotTaken(Rank Rank, StepNumber Step, double Seconds) : WorkerReport;

    /// <summary>A snapshot could not be written (a full disk, say); training is not affected.</summary>
    public sealed record SnapshotFailed(Rank Rank, StepNumber Step, string Error) : WorkerReport;

    /// <param name="Step">As in <see cref="WorkerCommand.Score"/>.</param>
    /// <param name="LogProbabilities">Summed log-probability of each segment's scored tokens.</param>
    public sealed record Scored(Generation Generation, Rank Rank, StepNumber Step, int Task, float[] LogProbabilities) : WorkerReport;

    /// <summary>The worker is at its end; nothing more comes from it.</summary>
    /// <param name="BadInputWhere">Not null: what the user gave is at fault (see <c>BadInputException</c>), so that a restart would not help.</param>
    /// <param name="BadInputFix">Without a place: nothing that the user gave is at fault, but a restart would not help either (see <c>NonFiniteException</c>).</param>
    public sealed record Failed(Generation Generation, Rank Rank, string Error, string Detail, string? BadInputWhere, string? BadInputFix) : WorkerReport
    {
        /// <summary>Memory had run out.</summary>
        public bool OfMemory { get; init; }

        /// <summary>How long ago the worker ended, or gave its last sign of life. Only the process that it was a child of can say so; it is not sent.</summary>
        public TimeSpan? Ago { get; init; }

        /// <summary>A restart would not help.</summary>
        public bool IsFinal => BadInputWhere is not null || BadInputFix is not null;

        public static Failed Of(Generation generation, Rank rank, Exception fault)
        {
            var failure = RunFailure.Of(fault);
            return new Failed(generation, rank, failure.Error, failure.Detail, failure.BadInputWhere, failure.BadInputFix) { OfMemory = MemoryFault.Is(fault) };
        }
    }
}
