using Tulu2.Data.Slots;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;
using Xunit;

namespace Tulu2.Tests.Training.Objectives;

public class SourceLossesTests
{
    private static SlotBatch Batch(params int[] items) => new(1, 0, [], [], [], [], [], [], items, 0);

    [Fact]
    public void A_sources_loss_is_the_mean_over_its_tokens_in_the_step()
    {
        // Items 0 to 2, none, 3 and 4, 5: the last belongs to a source of the first one's name.
        var sources = new SourceLosses([new("a", 3), new("none", 0), new("b", 2), new("a", 1)]);
        var first = sources.Append([7], Batch(0, 3), () => [(2.0, 4), (3.0, 1)]);
        var second = sources.Append([8], Batch(5, 2), () => [(1.0, 1), (0.5, 2)]);
        Assert.Equal(7, first[0]);
        var (own, losses) = sources.Split([first, second]);
        Assert.Equal([[7], [8]], own);
        Assert.Equal([new NamedValue("loss/a", 0.5), new NamedValue("loss/b", 3)], losses);
    }

    [Fact]
    public void Of_a_single_source_nothing_is_said()
    {
        var sources = new SourceLosses([new("a", 3), new("a", 1)]);
        double[] figures = [7];
        Assert.Same(figures, sources.Append(figures, Batch(0), () => throw new InvalidOperationException("not asked for")));
        var (own, losses) = sources.Split([figures]);
        Assert.Equal([[7]], own);
        Assert.Empty(losses);
    }

    [Fact]
    public void Each_source_has_a_line_in_one_chart()
    {
        var (flan, other) = (ObjectiveCatalog.Metric("loss/flan_v2"), ObjectiveCatalog.Metric("loss/cot"));
        Assert.Equal(("flan_v2", "loss of flan_v2"), (flan.Line, flan.Words));
        Assert.Equal(flan.Chart, other.Chart);
    }
}
