using Tulu2.Files;
using Tulu2.Protocol.Outcomes;
using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Runs;

/// <summary>Errors as a person reads them: where, what and fix, with exit code 2 for what the user can correct and 1 for anything else.</summary>
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

    [Fact]
    public void What_the_user_can_correct_is_two_and_all_else_is_one()
    {
        Assert.Equal((2, "error: rows.jsonl:3\n       no turn\n  fix: add one"), Of(new BadInputException("rows.jsonl:3", "no turn", "add one")));
        Assert.Equal(2, Of(new AggregateException(new BadInputException("a", "b", "c"))).Code);
        Assert.Equal(2, Of(new IOException("kein Platz", 28)).Code);
        Assert.Equal(1, Of(new IOException("No space left on device : '/x'")).Code);
        Assert.Equal(2, Of(new UnauthorizedAccessException("Access to the path '/x' is denied.")).Code);
        Assert.Equal((1, "error: rows.jsonl:3\n       the loss is NaN\n  fix: lower it"), Of(new NonFiniteException("rows.jsonl:3", "the loss is NaN", "lower it")));
        Assert.Equal((1, "error: failed\n       rank 1: NaN\n  fix: lower it"), Of(new RunFailedException("rank 1: NaN", "stack", "lower it")));
        Assert.Equal((1, "error: failed\n       boom\n  fix: details are in log; `--verbose` prints them"), Of(new InvalidOperationException("boom")));

        static (int Code, string Block) Of(Exception error)
        {
            var report = ErrorReport.Of(error, "log");
            return (report.Code, report.Block);
        }
    }
}
