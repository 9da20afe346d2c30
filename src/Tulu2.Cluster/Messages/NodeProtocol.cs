using System.Collections.Immutable;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Placement;

namespace Tulu2.Cluster.Messages;

/// <summary>Between the placement of a run's ranks and the agents of the nodes.</summary>
internal static class NodeProtocol
{
    /// <summary>Placement to agent: offer your capacity.</summary>
    public sealed record Invite : IWireMessage
    {
        public static Invite Instance { get; } = new();
    }

    /// <summary>Agent to placement: number of ranks that this node takes, and the memory that they may use.</summary>
    public sealed record Places(int Count, MachineMemory Memory) : IWireMessage
    {
        /// <summary>Ranks whose workers live here, without anybody who supervises them.</summary>
        public ImmutableArray<Rank> Living { get; init; } = [];

        /// <summary>Their run's directory, and the hash of its recipe; empty where there are none.</summary>
        public string RunDirectory { get; init; } = "";
        public string RecipeHash { get; init; } = "";
    }

    /// <summary>Placement to agent: start workers for these ranks.</summary>
    /// <param name="Coordinator">Path of the run's actor, with address and uid.</param>
    public sealed record TakeRanks(long Epoch, string Coordinator, NodeRun Run, ImmutableArray<Rank> Ranks) : IWireMessage;

    /// <summary>Agent to placement: this node is about to go.</summary>
    public sealed record Leaving : IWireMessage
    {
        public static Leaving Instance { get; } = new();
    }

    /// <summary>Placement to supervisor, on its own node: these ranks are to leave their node.</summary>
    public sealed record Leave(long Epoch, ImmutableArray<Rank> Ranks, string Why) : Akka.Actor.INoSerializationVerificationNeeded;

    // Later placements of a rank have later incarnations, on whatever node they are: the epoch is in the upper half.
    private const int EpochShift = 32;

    /// <summary>The first incarnation of ranks that are placed in an epoch; those of restarted workers follow.</summary>
    public static Incarnation FirstIncarnation(long epoch) => new(epoch << EpochShift);

    /// <summary>The epoch of an incarnation's placement.</summary>
    public static long EpochOf(Incarnation incarnation) => incarnation >> EpochShift;

    /// <summary>Placement to supervisor, on its own node: these ranks are gone with their node.</summary>
    public sealed record Gone(long Epoch, ImmutableArray<Rank> Ranks, string Why) : Akka.Actor.INoSerializationVerificationNeeded;
}
