using FsCheck.Xunit;
using Tulu2.Collectives.Layout;
using Xunit;

namespace Tulu2.Tests.Collectives.Layout;

public sealed class RowSharesTests
{
    [Property]
    public void Every_row_belongs_to_one_rank_and_the_first_rank_has_at_least_as_many_as_any_other(ushort rows, byte more)
    {
        var ranks = 1 + more % 64;
        var shares = Enumerable.Range(0, ranks).Select(rank => RowShares.Of(rows, rank, ranks)).ToArray();
        Assert.Equal(0, shares[0].First);
        Assert.Equal(rows, shares[^1].End);
        for (var rank = 1; rank < ranks; rank++) Assert.Equal(shares[rank - 1].End, shares[rank].First);
        Assert.Equal(shares.Max(share => share.Count), shares[0].Count);
        Assert.InRange(shares[0].Count - shares.Min(share => share.Count), 0, 1);
        Assert.Equal(shares.Select(share => (7 * share.First, 7 * share.Count)), RowShares.All(rows, 7, ranks).Select(share => (share.First, share.Count)));
    }
}
