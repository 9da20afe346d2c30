// N tokens, D hidden.
using Tulu2.Collectives.Layout;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Llama;

/// <summary>
/// Residual streams, which all of a group's tensor-parallel ranks have alike: between stages each rank takes and gives its own rows only, and where activations
/// are split it also keeps no others, so that all together keep each row once. Nothing is computed on shares: norms see whole streams, and no bit depends on who
/// keeps what. A rank without a group has all rows for its own.
/// </summary>
internal sealed class SharedStreams(FlatLayout layout, IShardSum group, Workspace scratch)
{
    private readonly int _place = layout.Part.TensorPlace, _degree = layout.Part.TensorDegree;
    private Activations? _borrower;

    /// <summary>Of <paramref name="rows"/>, this rank's.</summary>
    public long RowsOf(long rows) => RowShares.Of(rows, _place, _degree).Count;

    /// <summary>A pass is about to use the scratch memory again, in which whole streams lie where activations are split.</summary>
    public void BeginPass()
    {
        _borrower?.LoseStreams();
        _borrower = null;
    }

    /// <summary>This rank's rows, for the stage before or after, until <see cref="BeginPass"/>.</summary>
    public Tensor Lend(Tensor stream_ND, Activations borrower)
    {
        _borrower = borrower;
        return borrower.Lend(Own(stream_ND));
    }

    /// <summary>This rank's rows: a view.</summary>
    public Tensor Own(Tensor stream_ND)
    {
        var (first, count) = RowShares.Of(stream_ND.shape[0], _place, _degree);
        return stream_ND.narrow(0, first, count);
    }

    /// <summary>This rank's rows in memory of <paramref name="kept"/>.</summary>
    public Tensor Share(Tensor stream_ND, Workspace kept)
    {
        var share_ND = kept.Rent(RowsOf(stream_ND.shape[0]), stream_ND.shape[1]);
        CopyShare(stream_ND, share_ND);
        return share_ND;
    }

    public void CopyShare(Tensor stream_ND, Tensor share_ND)
    {
        using var own_ND = Own(stream_ND);
        share_ND.copy_(own_ND);
    }

    /// <summary>Every rank of the group calls this, each with its rows: the whole stream.</summary>
    public void Gather(Tensor share_ND, Tensor whole_ND)
    {
        using (var own_ND = Own(whole_ND)) own_ND.copy_(share_ND);
        group.GatherRows(whole_ND);
    }

    /// <summary>The same, in scratch memory.</summary>
    public Tensor Whole(Tensor share_ND, long rows)
    {
        var whole_ND = scratch.Rent(rows, share_ND.shape[1]);
        Gather(share_ND, whole_ND);
        return whole_ND;
    }
}
