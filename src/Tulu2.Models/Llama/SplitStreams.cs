// N tokens, D hidden.
using Tulu2.Collectives.Layout;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Llama;

/// <summary>
/// Residual streams of which each tensor-parallel rank keeps its own rows only: all of the group's ranks have the same ones, so that together they keep each once.
/// Whole streams, the output and the gradient among them, lie in the scratch memory and live until the model's next pass. Nothing is computed on shares: norms see
/// whole streams, and no bit depends on who keeps what.
/// </summary>
internal sealed class SplitStreams(FlatLayout layout, IShardSum group, Workspace scratch)
{
    private readonly int _place = layout.Part.TensorPlace, _degree = layout.Part.TensorDegree;
    private Activations? _borrower;

    public long RowsOf(long rows) => RowShares.Of(rows, _place, _degree).Count;

    /// <summary>A pass is about to use the scratch memory again.</summary>
    public void BeginPass()
    {
        _borrower?.LoseStreams();
        _borrower = null;
    }

    public Tensor Lend(Tensor stream_ND, Activations borrower)
    {
        _borrower = borrower;
        return borrower.Lend(stream_ND);
    }

    /// <summary>This rank's rows of a stream, in memory of <paramref name="kept"/>.</summary>
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

    /// <summary>Every rank of the group calls this: the whole stream, in scratch memory.</summary>
    public Tensor Whole(Tensor share_ND, long rows)
    {
        var whole_ND = scratch.Rent(rows, share_ND.shape[1]);
        using (var own_ND = Own(whole_ND)) own_ND.copy_(share_ND);
        group.GatherRows(whole_ND);
        return whole_ND;
    }

    private Tensor Own(Tensor stream_ND)
    {
        var (first, count) = RowShares.Of(stream_ND.shape[0], _place, _degree);
        return stream_ND.narrow(0, first, count);
    }
}
