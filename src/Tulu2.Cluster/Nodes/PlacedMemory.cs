using Tulu2.Files;
using Tulu2.Protocol.Placement;

namespace Tulu2.Cluster.Nodes;

/// <summary>What a run takes of the nodes' memory, and what is said where they have less.</summary>
/// <param name="IsForced">The run starts all the same.</param>
/// <param name="Refusal">Called on a thread of the actors, once: it may take a moment.</param>
public sealed record PlacedMemory(MemoryNeed Need, bool IsForced, Func<MemoryShortage, BadInputException> Refusal);
