using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>How the scores of items become one.</summary>
public enum ScoreMean
{
    /// <summary>Each item counts alike.</summary>
    OfItems,

    /// <summary>Each dataset counts alike, however many items it has.</summary>
    OfDatasets,
}

/// <summary>Means of scores and their standard errors. Pure.</summary>
public static class ScoreMeans
{
    /// <param name="scores">Not empty; those without a score are left out.</param>
    /// <returns>NaN if no item has a score.</returns>
    public static double Mean(IReadOnlyList<ItemScore> scores, ScoreMean mean, Func<ItemScore, double> value)
    {
        var scored = scores.Where(score => score.IsScored).ToList();
        return scored.Count == 0 ? double.NaN
            : mean == ScoreMean.OfItems ? scored.Average(value)
            : scored.GroupBy(score => score.Dataset).Average(dataset => dataset.Average(value));
    }

    /// <summary>Of a new draw of items; for a mean of datasets, of a new draw within each. 0 for a single item.</summary>
    /// <param name="scores">Not empty.</param>
    public static double StandardError(IReadOnlyList<ItemScore> scores, ScoreMean mean, Func<ItemScore, double> value)
    {
        var scored = scores.Where(score => score.IsScored).ToList();
        if (scored.Count == 0) return double.NaN;
        if (mean == ScoreMean.OfItems) return Math.Sqrt(VarianceOfMean([.. scored.Select(value)]));
        var datasets = scored.GroupBy(score => score.Dataset).Select(dataset => VarianceOfMean([.. dataset.Select(value)])).ToList();
        return Math.Sqrt(datasets.Sum()) / datasets.Count;
    }

    /// <summary>The same mean of each figure that the items have, by name; items without it do not count.</summary>
    public static IReadOnlyDictionary<string, double> OfMetrics(IReadOnlyList<ItemScore> scores, ScoreMean mean) => scores
        .SelectMany(score => score.Metrics.Keys).Distinct().Order(StringComparer.Ordinal)
        .ToDictionary(name => name, name => Mean([.. scores.Where(score => score.Metrics.ContainsKey(name))], mean, score => score.Metrics[name]));

    // The unbiased variance, divided by the number of items.
    private static double VarianceOfMean(List<double> values)
    {
        if (values.Count < 2) return 0;
        var mean = values.Average();
        return values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1) / values.Count;
    }
}
