using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Runs;

public class ProgressTests
{
    [Fact]
    public void A_line_of_progress_says_how_far_how_good_how_fast_and_how_long()
    {
        var pace = new Pace();
        Assert.Null(pace.Left(new ProgressSnapshot(10, 40), TimeSpan.FromSeconds(5)));
        var half = new ProgressSnapshot(20, 40, 1.23456, 5678.9);
        var left = pace.Left(half, TimeSpan.FromSeconds(50));
        Assert.Equal("sft 20/40 loss 1.2346 5,679 tokens/s 1:30 left", half.ToLine("sft", TimeSpan.FromSeconds(50), left));
        Assert.Equal("dpo 40/40 after 1:01:01", (new ProgressSnapshot(40, 40) { Phase = "dpo" }).ToLine("sft", TimeSpan.FromSeconds(3661), null));
    }
}
