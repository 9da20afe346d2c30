using Tulu2.Files;
using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Runs;

/// <summary>A block that another process of the program printed comes back as what it said.</summary>
public class ErrorReportTests
{
    [Fact]
    public void A_block_that_was_printed_is_read_back()
    {
        var bad = new BadInputException("node.conf: a.key", "first\nsecond", "correct it");
        string[] lines = ["joining the cluster", .. ErrorReport.Of(bad, "x.log").Block.Split('\n'), "", ""];
        var read = ErrorReport.Read(lines)!;
        Assert.Equal((bad.Where, bad.What, bad.Fix), (read.Where, read.What, read.Fix));
        Assert.Null(ErrorReport.Read(["joining the cluster", "the cluster has given this node up"]));
    }
}
