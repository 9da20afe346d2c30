using System.Collections.Immutable;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.GradientSync;

/// <summary>What one rank computed of a checked slot, its part of the gradient.</summary>
/// <param name="Part">Which part: ranks with the same one must have the same result.</param>
internal sealed record SlotTestimony(int Part, Rank Rank, string Node, string Hash)
{
    public override string ToString() => $"rank {Rank}{(Node.Length > 0 ? $" on {Node}" : "")} {Hash}";
}

/// <summary>A slot of the step being made that was computed twice, with unequal results: all replicas are asked.</summary>
internal sealed record SlotDispute(StepSlot Slot, ImmutableArray<SlotTestimony> Heard)
{
    /// <summary>Whether whoever computed the same part came to the same result.</summary>
    public static bool IsAgreed(IEnumerable<SlotTestimony> heard) => heard.GroupBy(one => one.Part).All(part => part.Select(one => one.Hash).Distinct().Count() == 1);

    /// <summary>
    /// Who computed wrongly: ranks that came to several results of their part, and of the others those that differ from the most. Null: as many say one thing as another.
    /// </summary>
    public ImmutableArray<Rank>? Faulty()
    {
        var faulty = new List<Rank>();
        foreach (var part in Heard.GroupBy(one => one.Part))
        {
            var ranks = part.GroupBy(one => one.Rank).ToLookup(rank => rank.Select(one => one.Hash).Distinct().Count() == 1);
            faulty.AddRange(ranks[false].Select(rank => rank.Key));
            var results = ranks[true].GroupBy(rank => rank.First().Hash, rank => rank.Key).OrderByDescending(result => result.Count()).ToArray();
            if (results.Length > 1 && results[0].Count() == results[1].Count()) return null;
            faulty.AddRange(results.Skip(1).SelectMany(result => result));
        }
        return [.. faulty.Distinct().OrderBy(rank => rank.Value)];
    }

    // Of the parts about which nobody disagrees nothing need be said.
    public override string ToString() => string.Join(", ", Heard.GroupBy(one => one.Part).Where(part => !IsAgreed(part)).SelectMany(part => part).Distinct().OrderBy(one => one.Rank.Value));
}
