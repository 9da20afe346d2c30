using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Training.Workers;

/// <summary>The rows of a contiguous tensor in host memory, shared out to the ranks of a group (<see cref="RowShares"/>).</summary>
internal static class RowGather
{
    /// <summary>By rank: the bytes of its share.</summary>
    public static IReadOnlyList<ElementRange> Parts(Tensor rows, int ranks)
    {
        var count = rows.shape[0];
        return RowShares.All(count, count == 0 ? 0 : rows.numel() * rows.element_size() / count, ranks);
    }

    /// <summary>In place: every rank's share to every rank.</summary>
    public static void GatherRows(this ICollective group, Tensor rows, TimeSpan deadline) =>
        group.AllGather(FlatMemory.Address(rows), Parts(rows, group.Size), deadline);
}
