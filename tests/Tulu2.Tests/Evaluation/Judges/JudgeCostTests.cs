using Tulu2.Evaluation.Judges;
using Tulu2.Evaluation.Judges.Costs;
using Tulu2.Evaluation.Judges.Endpoint;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Tests.Evaluation.Benchmarks.AlpacaEval;
using Xunit;

namespace Tulu2.Tests.Evaluation.Judges;

public sealed class JudgeCostTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void The_longest_name_of_the_price_table_that_a_model_begins_with_is_its_price()
    {
        File.WriteAllText(_file, """{"gpt-4": {"prompt": 30, "completion": 60}, "gpt-4-turbo": {"prompt": 10, "completion": 30}}""");
        var prices = JudgePrices.Read(_file);
        Assert.Equal(90, prices.Of("gpt-4-0613", 1_000_000, 1_000_000));
        Assert.Equal(40, prices.Of("gpt-4-turbo-2024-04-09", 1_000_000, 1_000_000));
        Assert.Null(prices.Of("gpt-4o", 1, 1));
        Assert.Null(JudgePrices.None.Of("gpt-4", 1, 1));
    }

    [Theory]
    [InlineData("""{"m": {"prompt": 1}}""")]
    [InlineData("""{"m": {"prompt": -1, "completion": 1}}""")]
    [InlineData("""{"m": 3}""")]
    [InlineData("[]")]
    [InlineData("{")]
    public void A_table_that_has_no_prices_is_an_error(string text)
    {
        File.WriteAllText(_file, text);
        Assert.Throws<BadInputException>(() => JudgePrices.Read(_file));
    }

    [Fact]
    public void The_estimate_has_every_request_that_the_benchmark_makes()
    {
        using var example = new AlpacaEvalExample();
        var (benchmark, once, twice) = (example.Benchmark, example.Read(), example.Read(options => options with { BothOrders = true }));
        var estimate = Assert.Single(JudgeEstimate.Of(benchmark, [.. once]));
        Assert.Equal(("pairs", once.Count, 100L * once.Count), (estimate.Role, estimate.Requests, estimate.CompletionTokens));
        Assert.InRange(estimate.PromptTokens, 400L * once.Count, 1200L * once.Count);
        Assert.Equal(2 * once.Count, Assert.Single(JudgeEstimate.Of(benchmark, [.. twice])).Requests);
        File.WriteAllText(_file, """{"m": {"prompt": 1000000, "completion": 0}}""");
        Assert.Equal(estimate.PromptTokens, estimate.Cost(JudgePrices.Read(_file), "m"));
    }

    [Fact]
    public void Uses_of_one_judge_are_summed_and_an_unknown_price_stays_unknown()
    {
        var uses = JudgeUse.Sum(
        [
            new JudgeUse("pairs", "a", 1, 2, 10, 1) { Cost = 0.5 }, new JudgeUse("pairs", "a", 2, 0, 20, 2) { Cost = 0.25 }, new JudgeUse("pairs", "b", 1, 0, 5, 5),
            new JudgeUse("grades", "a", 1, 0, 5, 5) { Cost = 1 }, new JudgeUse("grades", "a", 1, 0, 5, 5),
        ]);
        Assert.Equal(
            [new JudgeUse("grades", "a", 2, 0, 10, 10), new JudgeUse("pairs", "a", 3, 2, 30, 3) { Cost = 0.75 }, new JudgeUse("pairs", "b", 1, 0, 5, 5)], uses);
        Assert.Equal("a+b", JudgeUse.Names(uses)["pairs"]);
    }

    [Fact]
    public async Task Limits_let_a_minutes_worth_through_and_then_hold()
    {
        using var limits = new RequestLimits(new JudgeLimits(RequestsPerMinute: 20) { Sharers = 4 });
        using var stop = new CancellationTokenSource();
        for (var i = 0; i < 5; i++) await limits.WaitAsync(1, stop.Token);
        // The sixth of five a minute has to wait twelve seconds.
        var sixth = limits.WaitAsync(1, stop.Token).AsTask();
        Assert.False(sixth.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sixth);
    }

    [Fact]
    public async Task A_request_of_more_tokens_than_a_minute_has_takes_the_whole_minute()
    {
        using var limits = new RequestLimits(new JudgeLimits(TokensPerMinute: 100));
        using var stop = new CancellationTokenSource();
        await limits.WaitAsync(5000, stop.Token);
        var second = limits.WaitAsync(100, stop.Token).AsTask();
        Assert.False(second.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
    }
}
