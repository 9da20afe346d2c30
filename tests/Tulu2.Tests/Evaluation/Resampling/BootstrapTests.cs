using FsCheck;
using FsCheck.Xunit;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Resampling;
using Tulu2.Evaluation.Tasks;
using Xunit;
using Interval = Tulu2.Evaluation.Resampling.Interval;

namespace Tulu2.Tests.Evaluation.Resampling;

public class BootstrapTests
{
    private static readonly IBenchmark OfItems = new DatasetBenchmark("items", ScoreMean.OfItems), OfDatasets = new DatasetBenchmark("datasets", ScoreMean.OfDatasets);

    // Two datasets of unequal size and difficulty.
    private static readonly IReadOnlyList<ItemScore> Scores = Bootstrap.Ordered(
        Enumerable.Range(0, 300).Select(i => i < 60 ? new ItemScore($"{i}", "hard", i % 4 == 0 ? 1 : 0) : new ItemScore($"{i}", "easy", i % 10 == 0 ? 0 : 1)));

    [Theory]
    [InlineData(ScoreMean.OfItems)]
    [InlineData(ScoreMean.OfDatasets)]
    public void Draws_scatter_by_the_standard_error_about_the_score(ScoreMean mean)
    {
        var benchmark = mean == ScoreMean.OfItems ? OfItems : OfDatasets;
        var values = new Bootstrap(4000).Values(benchmark, Scores)!;
        var centre = values.Average();
        var error = Math.Sqrt(values.Average(value => (value - centre) * (value - centre)));
        Assert.Equal(benchmark.Aggregate(Scores), centre, benchmark.StandardError(Scores) / 10);
        Assert.InRange(error / benchmark.StandardError(Scores), 0.95, 1.05);
        var interval = Interval.Of(values);
        Assert.InRange((interval.High - interval.Low) / error, 3.7, 4.1);
    }

    [Fact]
    public void A_dataset_that_counts_alike_is_drawn_within()
    {
        // All of its items are right, whatever else is drawn.
        IReadOnlyList<ItemScore> scores = [.. Enumerable.Range(0, 8).Select(i => new ItemScore($"{i}", "a", 1)), new("8", "b", 0), new("9", "b", 1)];
        Assert.Equal([0.5, 0.75, 1.0], new Bootstrap(500).Values(OfDatasets, scores)!.Distinct().Order());
        Assert.True(new Bootstrap(500).Values(OfItems, scores)!.Distinct().Count() > 3);
    }

    [Fact]
    public void Two_models_get_the_same_draws_and_a_seed_the_same_again()
    {
        var bootstrap = new Bootstrap(200, 7);
        var one = bootstrap.Values(OfItems, Scores)!;
        var other = bootstrap.Values(OfItems, [.. Scores.Select(score => score with { Value = score.Value + 0.25 })])!;
        Assert.All(one.Zip(other), pair => Assert.Equal(0.25, pair.Second - pair.First, 1e-12));
        Assert.Equal(one, bootstrap.Values(OfItems, Scores));
        Assert.NotEqual(one, (bootstrap with { Seed = 8 }).Values(OfItems, Scores));
    }

    [Fact]
    public void Single_items_give_no_interval()
    {
        Assert.Null(new Bootstrap().Values(OfItems, [new("1", "", 1)]));
        Assert.Null(new Bootstrap().Values(OfDatasets, [new("1", "a", 1), new("2", "b", 0)]));
        Assert.NotNull(new Bootstrap().Values(OfItems, [new("1", "a", 1), new("2", "b", 0)]));
    }

    [Property]
    public bool An_interval_lies_within_the_values(NonEmptyArray<NormalFloat> values)
    {
        var numbers = values.Get.Select(value => value.Get / 1e6).Where(double.IsFinite).DefaultIfEmpty(0).ToList();
        var interval = Interval.Of(numbers);
        return numbers.Min() <= interval.Low && interval.Low <= interval.High && interval.High <= numbers.Max();
    }

    [Fact]
    public void An_interval_from_a_standard_error_does_not_leave_the_scores_that_there_are()
    {
        Assert.Equal(new Interval(5.96, 10), Rounded(Interval.Of(8, 1.04, ScoreUnit.Grade.Range)));
        Assert.Equal(new Interval(0, 1.96), Rounded(Interval.Of(0, 1, ScoreUnit.Share.Range)));
        Assert.Equal(new Interval(-1.96, 1.96), Rounded(Interval.Of(0, 1)));

        static Interval Rounded(Interval interval) => new(Math.Round(interval.Low, 2), Math.Round(interval.High, 2));
    }
}
