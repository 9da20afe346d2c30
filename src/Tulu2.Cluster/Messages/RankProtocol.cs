using Akka.Actor;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Messages;

/// <summary>Between a rank's trainer and the supervisor of the gradient sync (may cross nodes), and around the trainer on its node.</summary>
internal static class RankProtocol
{
    /// <summary>Trainer to supervisor: a new worker is there.</summary>
    public sealed record Up(Rank Rank, Incarnation Incarnation, string Endpoint) : IWireMessage;

    /// <summary>Trainer to supervisor: that worker is gone.</summary>
    public sealed record Lost(Rank Rank, Incarnation Incarnation, string Why) : IWireMessage
    {
        /// <summary>Memory had run out.</summary>
        public bool OfMemory { get; init; }

        /// <summary>How long ago it ended, as far as its node knows; null: it does not.</summary>
        public TimeSpan? Ago { get; init; }
    }

    /// <summary>Trainer to supervisor: a restart would not help.</summary>
    /// <param name="Where">What the user gave that is at fault; null: nothing is.</param>
    public sealed record BadInput(Rank Rank, string Error, string Detail, string? Where, string? Fix) : IWireMessage;

    /// <summary>Trainer to supervisor: what the worker reports of the step (Joined, SlotBegun, SlotDone, StepReady, Applied), the reference pass or a validation (Scored).</summary>
    public sealed record Report(WorkerReport Body) : IWireMessage;

    /// <summary>Supervisor to trainer, for its worker: JoinGeneration, Begin, Restore or Commit.</summary>
    public sealed record Command(WorkerCommand Body) : IWireMessage;

    /// <summary>Supervisor to trainer: score this chunk of the reference pass, where <paramref name="Step"/> is 0, or of the validation of that step.</summary>
    public sealed record ScoreChunk(Generation Generation, StepNumber Step, int Chunk) : IWireMessage;

    /// <summary>Supervisor to trainer: your worker hangs or is corrupt; take another.</summary>
    public sealed record Replace(Incarnation Incarnation, string Why) : IWireMessage;

    /// <summary>Trainer to supervisor: that worker was told to go, and waits to be let go.</summary>
    public sealed record Leaving(Rank Rank, Incarnation Incarnation, string Why) : IWireMessage;

    /// <summary>Supervisor to trainer: the run goes on without this rank.</summary>
    public sealed record Release : IWireMessage
    {
        public static Release Instance { get; } = new();
    }

    /// <summary>The worker said something, on its own thread.</summary>
    public sealed record Told(Incarnation Incarnation, WorkerReport Report) : INoSerializationVerificationNeeded;

    /// <summary>Trainer to data loader: read a slot.</summary>
    public sealed record ReadSlot(Incarnation Incarnation, StepNumber Step, SlotNumber Slot) : INoSerializationVerificationNeeded;

    /// <summary>Trainer to data loader: read a chunk of the reference pass or of a validation.</summary>
    public sealed record ReadChunk(Incarnation Incarnation, ScoreChunk Chunk) : INoSerializationVerificationNeeded;

    /// <summary>Data loader to trainer.</summary>
    public sealed record SlotRead(Incarnation Incarnation, SlotBatch Batch) : INoSerializationVerificationNeeded;

    /// <summary>Data loader to trainer.</summary>
    public sealed record ChunkRead(Incarnation Incarnation, ScoreChunk Chunk, SlotBatch Batch) : INoSerializationVerificationNeeded;

    /// <summary>To all trainers: whoever supervises the run is gone, and another one may come; the workers live on.</summary>
    public sealed record Leave : INoSerializationVerificationNeeded
    {
        public static Leave Instance { get; } = new();
    }

    /// <summary>To all trainers: the run is over.</summary>
    public sealed record Stop : INoSerializationVerificationNeeded
    {
        public static Stop Instance { get; } = new();
    }
}
