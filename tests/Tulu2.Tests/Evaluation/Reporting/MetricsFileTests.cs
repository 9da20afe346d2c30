using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Reporting;

public class MetricsFileTests
{
    private const string Sft = """{"step":1,"loss":6.9314718055994531,"learning_rate":0,"grad_norm":1.5,"tokens":100,"loss_tokens":40,"seconds":0.5}""";
    private const string Dpo = """{"step":2,"loss":0.5,"learning_rate":1e-5,"grad_norm":2,"tokens":100,"loss_tokens":40,"seconds":0.25,"rewards_chosen":0.1,"rewards_rejected":-0.05,"rewards_margin":0.15,"rewards_accuracy":1,"logps_chosen":-10,"logps_rejected":-12}""";

    [Fact]
    public void All_digits_and_all_keys_are_read()
    {
        var steps = MetricsFile.Parse($"{Sft}\n{Dpo}\n", "metrics.jsonl");
        Assert.Equal(new StepRecord(1, 6.9314718055994531, 0, 1.5, 100, 40, 0.5), steps[0]);
        Assert.Equal(new StepRecord(2, 0.5, 1e-5, 2, 100, 40, 0.25)
        {
            More =
            [
                new("rewards_chosen", 0.1), new("rewards_rejected", -0.05), new("rewards_margin", 0.15), new("rewards_accuracy", 1), new("logps_chosen", -10),
                new("logps_rejected", -12),
            ],
        }, steps[1]);
        Assert.Equal(400, steps[1].TokensPerSecond);
    }

    [Fact]
    public void A_line_is_read_and_written_again_as_it_was()
    {
        const string line = """{"step":3,"loss":"NaN","learning_rate":2E-05,"grad_norm":"Infinity","tokens":1,"loss_tokens":1,"seconds":0.1,"later_metric":"-Infinity","more":0.30000000000000004}""";
        Assert.Equal(line, StepLine.Write(Assert.Single(MetricsFile.Parse(line, "metrics.jsonl"))));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("1")]
    [InlineData("{}")]
    [InlineData("""{"step":1.5,"loss":1,"learning_rate":0,"grad_norm":1,"tokens":1,"loss_tokens":1,"seconds":1}""")]
    [InlineData("""{"step":3000000000,"loss":1,"learning_rate":0,"grad_norm":1,"tokens":1,"loss_tokens":1,"seconds":1}""")]
    [InlineData("""{"step":1,"loss":null,"learning_rate":0,"grad_norm":1,"tokens":1,"loss_tokens":1,"seconds":1}""")]
    [InlineData("""{"step":1,"loss":"high","learning_rate":0,"grad_norm":1,"tokens":1,"loss_tokens":1,"seconds":1}""")]
    [InlineData("""{"step":1,"loss":1,"learning_rate":0,"grad_norm":1,"tokens":1,"loss_tokens":1}""")]
    [InlineData("""{"step":1,"loss":1,"learning_rate":0,"grad_norm":1,"tokens":1,"loss_tokens":1,"seconds":1}}""")]
    public void A_line_that_is_no_step_is_named(string line) =>
        Assert.Equal("m:1", Assert.Throws<BadInputException>(() => MetricsFile.Parse($"{line}\n{Sft}\n", "m")).Where);

    [Fact]
    public void Values_that_are_no_numbers_are_passed_over()
    {
        var step = Assert.Single(MetricsFile.Parse(Sft.Replace("}", ""","note":"x","list":[1],"rewards_chosen":null,"kept":2}""", StringComparison.Ordinal), "m"));
        Assert.Equal([new("kept", 2)], step.More);
    }

    [Fact]
    public void A_torn_last_line_is_passed_over() => Assert.Single(MetricsFile.Parse($"{Sft}\n{Dpo[..60]}", "metrics.jsonl"));

    [Fact]
    public void A_broken_line_inside_is_named()
    {
        var error = Assert.Throws<BadInputException>(() => MetricsFile.Parse($"{Sft}\n{Dpo[..60]}\n{Dpo}\n", "metrics.jsonl"));
        Assert.Equal("metrics.jsonl:2", error.Where);
    }

    [Fact]
    public void A_step_that_a_resumed_run_repeats_counts_once() =>
        Assert.Equal(7.5, Assert.Single(MetricsFile.Parse($"{Sft}\n{Sft.Replace("0.5}", "7.5}", StringComparison.Ordinal)}\n", "m")).Seconds);
}
