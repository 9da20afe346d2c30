// N tokens, D hidden.
using Tulu2.Collectives.Layout;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>
/// Residual streams, which are the same on all tensor-parallel ranks of a group. Between stages each rank sends and receives its own rows only; where
/// activations are split it also keeps no others, so that each row is kept once in the group. Nothing is computed on shares: norms see whole streams, and
/// no bit depends on which rank keeps a row. A rank without a group owns all rows.
/// </summary>
internal sealed class SharedStreams(ParameterMap map, IShardSum group, Workspace scratch)
{
    private readonly int _index = map.Part.TensorIndex, _degree = map.Part.TensorDegree;
    private Activations? _borrower;

    /// <summary>This rank's share of a number of rows.</summary>
    public long RowsOf(long rows) => RowShares.Of(rows, _index, _degree).Count;

    /// <summary>A pass is about to reuse the scratch memory, which holds whole streams where activations are split.</summary>
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
        var (first, count) = RowShares.Of(stream_ND.shape[0], _index, _degree);
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
