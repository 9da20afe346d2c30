using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>What AlpacaEval's users report. Pure.</summary>
internal static class WinRates
{
    public static IReadOnlyDictionary<string, double> Of(IReadOnlyList<ItemScore> scores)
    {
        var scored = scores.Where(score => score.IsScored).ToList();
        var metrics = new Dictionary<string, double>
        {
            ["win_rate"] = scored.Count == 0 ? double.NaN : 100 * scored.Average(score => score.Value),
            ["wins"] = scored.Count(score => score.Value > PairScore.Draw),
            ["draws"] = scored.Count(score => score.Value == PairScore.Draw),
            ["losses"] = scored.Count(score => score.Value < PairScore.Draw),
            ["unparsed"] = scores.Count - scored.Count,
        };
        var lengths = scores.Where(score => score.Metrics.ContainsKey(PairScore.Length)).Select(score => score.Metrics[PairScore.Length]).ToList();
        if (lengths.Count > 0) metrics.Add("mean_length", lengths.Average());
        if (LengthControl.Of(scores) is var (name, rate)) metrics.Add(name, rate);
        return metrics;
    }
}
