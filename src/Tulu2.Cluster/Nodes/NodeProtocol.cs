using System.Collections.Immutable;
using Tulu2.Cluster.Wire;

namespace Tulu2.Cluster.Nodes;

/// <summary>Between the placement of a run's ranks and the agents of the nodes.</summary>
internal static class NodeProtocol
{
    /// <summary>Placement to agent: who are you?</summary>
    public sealed record Invite : IWireMessage
    {
        public static Invite Instance { get; } = new();
    }

    /// <summary>Agent to placement: this node takes so many ranks.</summary>
    public sealed record Places(int Count) : IWireMessage;

    /// <summary>Placement to agent: start workers for these ranks.</summary>
    /// <param name="Coordinator">Path of the run's own coordinator, address and uid included.</param>
    public sealed record TakeRanks(long Epoch, string Coordinator, NodeRun Run, ImmutableArray<int> Ranks) : IWireMessage;

    /// <summary>Placement to supervisor, on its own node: these ranks are gone with their node.</summary>
    public sealed record Gone(long Epoch, ImmutableArray<int> Ranks, string Why) : Akka.Actor.INoSerializationVerificationNeeded;
}
