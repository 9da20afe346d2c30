using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Models.Families;

namespace Tulu2.Models.Inference;

/// <summary>
/// The part of a model that one of several processes holds: some outputs of every matrix, and the key-value heads that belong to them. Inputs are never cut, so
/// that each product is one process's, with the same bits for any number of shards; what the next matrix reads is gathered (<see cref="ShardGroup"/>). The
/// embedding and the norms are whole everywhere. Pure arithmetic.
/// </summary>
/// <param name="Rank">From 0.</param>
/// <param name="Count">Number of shards.</param>
public sealed record InferenceShard(int Rank, int Count)
{
    /// <summary>The whole model in one process.</summary>
    public static InferenceShard Whole { get; } = new(0, 1);

    public bool IsWhole => Count == 1;

    /// <exception cref="BadInputException">The model has fewer key-value heads than there are to be shards.</exception>
    public static void Check(string where, ModelConfig config, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (count > config.KeyValueHeads)
            throw new BadInputException(where, $"cannot be divided into {NumberText.Count(count, "shard")}: it has {NumberText.Count(config.KeyValueHeads, "key-value head")}",
                $"use at most {config.KeyValueHeads}");
    }

    /// <summary>The shape that this shard's heads, keys, values and feed-forward have.</summary>
    public ModelConfig Local(ModelConfig config) => IsWhole ? config : config with
    {
        HeadSize = config.HeadSize,
        Heads = (int)Own(config.Heads, config.KeyValueHeads).Count,
        KeyValueHeads = (int)Own(config.KeyValueHeads, config.KeyValueHeads).Count,
        IntermediateSize = (int)Own(config.IntermediateSize, config.IntermediateSize).Count,
    };

    /// <summary>By shard: its part of some outputs.</summary>
    /// <param name="units">What is divided: the outputs themselves, or the key-value heads that they belong to.</param>
    internal IReadOnlyList<ElementRange> All(long outputs, long units) =>
        [.. Enumerable.Range(0, Count).Select(rank => RowShares.Of(units, rank, Count)).Select(part => new ElementRange(
            part.First * (outputs / units), part.Count * (outputs / units)))];

    /// <summary>This shard's of them.</summary>
    internal ElementRange Own(long outputs, long units) => All(outputs, units)[Rank];
}
