using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Resampling;

/// <summary>
/// Scores of new draws of a benchmark's items, with replacement: of all of them, or within each dataset where each dataset counts alike. The draws depend on the
/// benchmark's name and the number of items only: two models scored on the same items get the same draws, so that differences of their values are paired.
/// </summary>
/// <param name="Resamples">Number of draws.</param>
public sealed record Bootstrap(int Resamples = 1000, int Seed = 42)
{
    /// <summary>The benchmarks whose scores can be computed again; a result of another has its standard error only.</summary>
    public IReadOnlyList<IBenchmark> Benchmarks { get; init; } = BenchmarkCatalogue.All;

    /// <returns>Null: this version does not have it.</returns>
    public IBenchmark? Benchmark(string name) => Benchmarks.FirstOrDefault(benchmark => benchmark.Name == name);

    /// <summary>Items in the order in which they are drawn from.</summary>
    public static IReadOnlyList<ItemScore> Ordered(IEnumerable<ItemScore> scores) =>
        [.. scores.OrderBy(score => score.Dataset, StringComparer.Ordinal).ThenBy(score => score.Item, StringComparer.Ordinal)];

    /// <param name="scores"><see cref="Ordered"/>.</param>
    /// <returns>[resamples] in the benchmark's unit; null: there is nothing to draw, as each part has one item.</returns>
    public double[]? Values(IBenchmark benchmark, IReadOnlyList<ItemScore> scores)
    {
        var parts = Parts(benchmark.Mean, scores);
        if (parts.All(part => part.Count < 2)) return null;
        var (random, drawn, values) = (new Random(SeedOf(benchmark.Name)), new ItemScore[scores.Count], new double[Resamples]);
        for (var sample = 0; sample < Resamples; sample++)
        {
            foreach (var (first, count) in parts)
                for (var i = first; i < first + count; i++) drawn[i] = scores[first + random.Next(count)];
            values[sample] = benchmark.Aggregate(drawn);
        }
        return values;
    }

    private static List<(int First, int Count)> Parts(ScoreMean mean, IReadOnlyList<ItemScore> scores)
    {
        if (mean == ScoreMean.OfItems) return [(0, scores.Count)];
        var parts = new List<(int First, int Count)>();
        for (var i = 0; i < scores.Count; i++)
            if (i > 0 && scores[i].Dataset == scores[i - 1].Dataset) parts[^1] = (parts[^1].First, parts[^1].Count + 1);
            else parts.Add((i, 1));
        return parts;
    }

    // The same on every machine, unlike the hash of a string.
    private int SeedOf(string name) => name.Aggregate(Seed, (hash, letter) => unchecked((hash ^ letter) * 16777619));
}
