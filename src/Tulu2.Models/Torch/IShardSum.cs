using Tulu2.Collectives.Layout;
using static TorchSharp.torch;

namespace Tulu2.Models.Torch;

/// <summary>
/// Where the sums over virtual shards leave a rank: each rank adds up its own subtree, and the group continues the same binary tree over its ranks.
/// Every rank gets the same bits.
/// </summary>
public interface IShardSum
{
    /// <summary>This rank holds every virtual shard, so that there is nothing to add and kernels may fuse what follows the sum.</summary>
    bool Alone { get; }

    /// <summary>
    /// In place: the tree sum over the group's ranks, each node rounded to the tensor's type. Contiguous; the compute type, or fp32 for statistics.
    /// </summary>
    void Sum(Tensor partial);

    /// <summary>In place: the element-wise maximum over the group's ranks (exact in any order).</summary>
    void Max(Tensor partial);

    /// <summary>
    /// In place: of a contiguous tensor's rows this rank has filled its share (<see cref="RowShares"/>), and gets everybody else's. In any type; no bit
    /// changes.
    /// </summary>
    void GatherRows(Tensor rows);
}

/// <summary>A rank that holds every virtual shard.</summary>
internal sealed class AllShardsHere : IShardSum
{
    public static readonly AllShardsHere Instance = new();

    public bool Alone => true;

    public void Sum(Tensor partial) { }

    public void Max(Tensor partial) { }

    public void GatherRows(Tensor rows) { }
}
