using System.Collections.Immutable;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Placement;

/// <summary>Bytes that a run takes at least of the machines that its ranks are on.</summary>
/// <param name="OfRanks">By rank; those beyond are replicas of these.</param>
/// <param name="OfNode">Of each node with ranks: its spare workers.</param>
/// <param name="OfMachine">Of each machine with ranks: pages of the program, which all its workers share.</param>
public sealed record MemoryNeed(ImmutableArray<long> OfRanks, long OfNode, long OfMachine)
{
    /// <summary>The most that so many ranks take, on so many nodes of one machine.</summary>
    public long Most(int ranks, int nodes) => Of([.. Rank.All(OfRanks.Length).OrderByDescending(rank => OfRanks[rank]).Take(ranks)], nodes);

    /// <summary>The first machine that has less than its ranks take; null: none has.</summary>
    public MemoryShortage? Shortage(IEnumerable<NodeRoom> nodes)
    {
        foreach (var machine in nodes.Where(node => node.Ranks.Length > 0 && node.Memory.Bytes > 0).GroupBy(node => node.Memory.Name))
        {
            // Of nodes that name one memory and disagree about its size the larger one is believed: a run that would fit must not be refused.
            var memory = machine.MaxBy(node => node.Memory.Bytes)!.Memory;
            ImmutableArray<Rank> ranks = [.. machine.SelectMany(node => node.Ranks).Order()];
            var needed = Of(ranks, machine.Count());
            if (needed > memory.Bytes) return new MemoryShortage([.. machine.Select(node => node.Node)], ranks, needed, memory.Bytes);
        }
        return null;
    }

    private long Of(ImmutableArray<Rank> ranks, int nodes) => ranks.Sum(rank => OfRanks[rank % OfRanks.Length]) + (nodes * OfNode) + OfMachine;
}

/// <summary>A node with its ranks.</summary>
public sealed record NodeRoom(string Node, MachineMemory Memory, ImmutableArray<Rank> Ranks);

/// <summary>A machine that has less memory than its ranks take.</summary>
/// <param name="Nodes">The nodes on it.</param>
public sealed record MemoryShortage(ImmutableArray<string> Nodes, ImmutableArray<Rank> Ranks, long Needed, long Bytes);
