using FsCheck.Xunit;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.AlpacaEval;
using Tulu2.Evaluation.Tasks;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.AlpacaEval;

public class LengthControlTests
{
    /// <summary>The conditions of Karush, Kuhn and Tucker hold at the penalised minimum and nowhere else.</summary>
    [Property(MaxTest = 60)]
    public void The_fit_is_the_penalised_minimum(int seed, byte strengthIndex)
    {
        var random = new Random(seed);
        List<LogisticExample> examples =
        [
            .. Enumerable.Range(0, 60).Select(_ => new LogisticExample([random.NextDouble() * 2 - 1, random.NextDouble() * 4 - 2, 1], random.Next(3) / 2.0)),
        ];
        var strength = Math.Pow(10, -4 + 8 * (strengthIndex % 10) / 9.0);
        var weights = LogisticFit.Fit(examples, strength);
        var (gradient, _) = LogisticFit.Derivatives(examples, weights, strength);
        for (var j = 0; j < weights.Length; j++)
            if (weights[j] == 0) Assert.InRange(gradient[j], -1 - 1e-4, 1 + 1e-4);
            // A gradient of thousands has fewer digits behind the point.
            else Assert.InRange(gradient[j] + Math.Sign(weights[j]), -1e-3 * Math.Max(1, strength / 10), 1e-3 * Math.Max(1, strength / 10));
    }

    [Fact]
    public void Wins_that_length_alone_explains_are_taken_out()
    {
        // Longer answers win nine times in ten, shorter ones lose as often: at equal length it is even.
        var (longer, shorter) = (Scores(300, 2000, 1000, 0.9), Scores(300, 500, 1000, 0.1));
        List<ItemScore> even = [.. longer, .. shorter];
        var (name, rate) = LengthControl.Of(even)!.Value;
        Assert.Equal("length_controlled_minimal_win_rate", name);
        Assert.InRange(rate, 35, 65);
        // The same wins with more long answers: the raw rate rises, the controlled one hardly.
        List<ItemScore> verbose = [.. Scores(500, 2000, 1000, 0.9), .. Scores(100, 500, 1000, 0.1)];
        Assert.True(verbose.Average(score => score.Value) > 0.7);
        Assert.InRange(LengthControl.Of(verbose)!.Value.Rate, rate - 15, rate + 15);
    }

    [Fact]
    public void With_equal_lengths_nothing_is_controlled_and_without_lengths_nothing_is_said()
    {
        Assert.Null(LengthControl.Of(Scores(100, 1000, 1000, 0.7)));
        Assert.Null(LengthControl.Of([.. Scores(100, 1200, 1000, 0.7).Select(score => score with { Metrics = ItemScore.NoMetrics })]));
        Assert.Null(LengthControl.Of([.. Scores(10, 1200, 1000, 0.7), .. Scores(5, 200, 1000, 0.7)]));
    }

    [Fact]
    public void Difficulty_is_used_where_it_is_known()
    {
        var random = new Random(7);
        List<ItemScore> scores =
        [
            .. Enumerable.Range(0, 400).Select(index =>
            {
                var difficulty = random.NextDouble() * 4 - 2;
                var wins = random.NextDouble() < 1 / (1 + Math.Exp(-(1 + 1.5 * difficulty)));
                return new ItemScore($"{index}", "", wins ? 1 : 0) { Metrics = Figures(random.Next(500, 1500), 1000, difficulty) };
            }),
        ];
        var (name, rate) = LengthControl.Of(scores)!.Value;
        Assert.Equal("length_controlled_noreg_win_rate", name);
        // Length does not matter here: the controlled rate is the raw one, but for the fit's noise.
        Assert.InRange(rate, 100 * scores.Average(score => score.Value) - 5, 100 * scores.Average(score => score.Value) + 5);
    }

    /// <summary>On the stored verdicts of tulu-2-dpo-13b: a plain Newton fit without penalty gives 84.095; the leaderboard's own variant 81.24.</summary>
    [SkippableFact]
    public void On_real_verdicts_the_rate_is_that_of_an_independent_fit()
    {
        var path = ReferenceData.Require("alpaca_eval", "tulu-2-dpo-13b_gpt4_annotations.json.gz");
        var (name, rate) = LengthControl.Of(new AlpacaEvalBenchmark().ScoreStored(new StoredFiles(null, path, null, null, null), default).Scores)!.Value;
        Assert.Equal("length_controlled_minimal_win_rate", name);
        // By accelerated proximal gradient descent in Python, the strength by the same five folds.
        Assert.Equal(85.48886, rate, 4);
    }

    private static List<ItemScore> Scores(int count, int length, int reference, double wins) =>
        [.. Enumerable.Range(0, count).Select(index => new ItemScore($"{length} {index}", "", index % 10 < 10 * wins ? 1 : 0) { Metrics = Figures(length, reference, null) })];

    private static Dictionary<string, double> Figures(double length, double reference, double? difficulty)
    {
        var figures = new Dictionary<string, double> { ["length"] = length, ["reference_length"] = reference };
        if (difficulty is { } known) figures.Add("difficulty", known);
        return figures;
    }
}
