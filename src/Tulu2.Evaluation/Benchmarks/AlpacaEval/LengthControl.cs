using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>
/// AlpacaEval 2's length-controlled win rate (Dubois et al. 2024; <c>alpaca_eval/metrics/glm_winrate.py</c>): the win rate that a logistic regression predicts for
/// answers as long as the reference's. Its variants, by its own names: <c>noreg</c>, with the difficulty of each instruction, where that is known;
/// <c>minimal</c>, without. Its default, <c>length_controlled_v1</c>, needs verdicts on two further models that only its hub has, and is not computed. Pure.
/// </summary>
internal static class LengthControl
{
    // With fewer, a fold can have one class alone.
    private const int FewestItems = 20;

    private const int Folds = 5;

    // scikit-learn's LogisticRegressionCV: ten strengths from 1e-4 to 1e4.
    private static readonly double[] Strengths = [.. Enumerable.Range(0, 10).Select(index => Math.Pow(10, -4 + 8 * index / 9.0))];

    /// <returns>Name of the variant and the rate in percent; null: lengths are not known, or there are too few items.</returns>
    public static (string Name, double Rate)? Of(IReadOnlyList<ItemScore> scores)
    {
        if (scores.Count < FewestItems || scores.Any(score => !score.Metrics.ContainsKey(PairScore.Length) || !score.Metrics.ContainsKey(PairScore.ReferenceLength))) return null;
        var differences = scores.Select(score => score.Metrics[PairScore.ReferenceLength] - score.Metrics[PairScore.Length]).ToList();
        var deviation = Deviation(differences);
        if (deviation == 0) return null;
        var hasDifficulty = scores.All(score => score.Metrics.ContainsKey(PairScore.Difficulty));
        // [items][features]; what is predicted for equal lengths leaves the first feature at 0.
        var rows = scores.Zip(differences, (score, difference) => (Features: Features(score, Math.Tanh(difference / deviation)), Score: score)).ToList();
        var train = rows.Where(row => row.Score.IsScored).Select(row => new LogisticExample(row.Features, row.Score.Value)).ToList();
        if (train.Count < FewestItems) return null;
        var weights = LogisticFit.Fit(train, BestStrength(train));
        var rate = 100 * scores.Average(score => LogisticFit.Probability(weights, Features(score, 0)));
        return (hasDifficulty ? "length_controlled_noreg_win_rate" : "length_controlled_minimal_win_rate", rate);

        double[] Features(ItemScore score, double length) => hasDifficulty ? [length, score.Metrics[PairScore.Difficulty], 1] : [length, 1];
    }

    // Five folds; the strength whose predictions of the items left out are the likeliest.
    private static double BestStrength(List<LogisticExample> examples)
    {
        // The original's groups are dealt out from the last one.
        int Fold(int index) => (examples.Count - 1 - index) % Folds;
        return Strengths.MaxBy(strength => Enumerable.Range(0, Folds).Average(fold =>
        {
            var weights = LogisticFit.Fit([.. examples.Where((_, index) => Fold(index) != fold)], strength);
            return -examples.Where((_, index) => Fold(index) == fold).Average(example => LogisticFit.Loss(weights, example));
        }));
    }

    private static double Deviation(List<double> values)
    {
        var mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1));
    }
}
