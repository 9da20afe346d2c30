using System.Collections.Immutable;
using Akka.Actor;
using Tulu2.Checkpoints;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;

namespace Tulu2.Cluster.Messages;

/// <summary>Messages about checkpoints: nodes report shards (these may cross nodes), the gradient sync begins snapshots and receives their results.</summary>
internal static class CheckpointProtocol
{
    /// <summary>Checkpointer to coordinator: a part of a shard's list of tensors; a long list takes several messages. The file is durable.</summary>
    public sealed record ShardPart(
        Rank Rank, StepNumber Step, string Sha256, long Bytes, int Part, int Parts, ImmutableArray<ShardTensor> Tensors) : IWireMessage;

    /// <summary>Checkpointer to coordinator: a rank's shard could not be written.</summary>
    public sealed record ShardFailed(Rank Rank, StepNumber Step, string Error) : IWireMessage;

    /// <summary>Checkpointer to coordinator: a rank has copied its share of the state, for which its step waited so long.</summary>
    public sealed record SnapshotTaken(Rank Rank, StepNumber Step, double Seconds) : IWireMessage;

    /// <summary>The ranks were told to take a snapshot.</summary>
    public sealed record SnapshotBegun(StepNumber Step, ImmutableArray<Rank> Ranks) : INoSerializationVerificationNeeded;

    /// <summary>This step's validation is the best so far: its checkpoint is not deleted before there is one of a better step.</summary>
    public sealed record Best(StepNumber Step) : INoSerializationVerificationNeeded;

    /// <summary>Evaluation pool to coordinator: of the checkpoints up to that of the step <paramref name="Judged"/> it needs these, which are not deleted.</summary>
    public sealed record Pinned(int Judged, ImmutableSortedSet<int> Steps) : INoSerializationVerificationNeeded;

    /// <summary>These ranks will write nothing more for the step.</summary>
    public sealed record RanksGone(StepNumber Step, ImmutableArray<Rank> Ranks) : INoSerializationVerificationNeeded;

    /// <summary>The snapshot has become a checkpoint, or never will.</summary>
    public sealed record Settled(StepNumber Step, string? ManifestPath, string? Error, bool Lost) : INoSerializationVerificationNeeded;

    /// <summary>The steps after this one are undone: their checkpoints go, here and in the second place, and what is being written of them. Answer <see cref="RolledBack"/>.</summary>
    /// <param name="Best">The best of the steps that are left; null: none was validated.</param>
    public sealed record RollBack(StepNumber To, StepNumber? Best) : INoSerializationVerificationNeeded;

    /// <param name="Newest">The newest checkpoint that is left; null: there is none.</param>
    public sealed record RolledBack(KnownManifest? Newest) : INoSerializationVerificationNeeded;

    /// <summary>To the gradient sync: the storage takes files again, after a checkpoint that it did not take.</summary>
    public sealed record Due : INoSerializationVerificationNeeded
    {
        public static Due Instance { get; } = new();
    }

    /// <summary>Finish what is being written and answer <see cref="Closed"/>.</summary>
    public sealed record Close : INoSerializationVerificationNeeded
    {
        public static Close Instance { get; } = new();
    }

    public sealed record Closed : INoSerializationVerificationNeeded
    {
        public static Closed Instance { get; } = new();
    }
}
