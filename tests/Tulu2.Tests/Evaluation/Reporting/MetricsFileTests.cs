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
        Assert.Equal(new StepRecord(2, 0.5, 1e-5, 2, 100, 40, 0.25, 0.1, -0.05, 0.15, 1, -10, -12), steps[1]);
        Assert.Equal(400, steps[1].TokensPerSecond);
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
