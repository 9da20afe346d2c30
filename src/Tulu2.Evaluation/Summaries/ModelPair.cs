using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Resampling;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Summaries;

/// <summary>Two models on the items that both were scored on.</summary>
/// <param name="Average">Difference of the paper's seven-number averages; null: one of them has none.</param>
public sealed record ModelPair(ModelStanding First, ModelStanding Second, PairRelation Relation, IReadOnlyList<PairedTask> Tasks, PairedDifference? Average)
{
    public static ModelPair Of(ModelStanding first, ModelStanding second, PairRelation relation, Bootstrap bootstrap)
    {
        var tasks = from one in first.Tasks
                    orderby ScoreTables.Place(one.Result)
                    let other = second.Named(one.Result.Task)
                    where other is { Points: not null } && one.Points is not null
                    select PairedTask.Of(one, other, bootstrap);
        var average = first.Seven.Value is { } a && second.Seven.Value is { } b ? new PairedDifference(a, b, second.Seven.Less(first.Seven)) : null;
        return new ModelPair(first, second, relation, [.. tasks], average);
    }
}

/// <summary>Two numbers and the interval of their difference, in points.</summary>
public sealed record PairedDifference(double First, double Second, Interval? Interval)
{
    /// <summary>Second less first.</summary>
    public double Value => Second - First;

    /// <summary>Of the same draws of items.</summary>
    public static Interval? Between(double[]? first, double[]? second) =>
        first is null || second is null ? null : Interval.Of([.. first.Zip(second, (one, other) => other - one)]);
}

/// <summary>A task that both models were scored on.</summary>
/// <param name="Items">Number of common items; 0: they are not known.</param>
/// <param name="Test">Null: there is none, see <paramref name="Why"/>.</param>
public sealed record PairedTask(TaskStanding First, TaskStanding Second, PairedDifference Difference, int Items, PairedTest? Test, string? Why = null)
{
    public string Task => First.Result.Task;

    public static PairedTask Of(TaskStanding first, TaskStanding second, Bootstrap bootstrap)
    {
        var whole = new PairedDifference(first.Points!.Value, second.Points!.Value, null);
        if (!TaskStanding.AreAlike(first.Result, second.Result)) return new PairedTask(first, second, whole, 0, null, "scored in different ways: other mode, prompts or judge");
        var benchmark = bootstrap.Benchmark(first.Result.Task);
        if (benchmark is null || first.Items.Count == 0 || second.Items.Count == 0) return new PairedTask(first, second, whole, 0, null, "the items are not known");
        var (one, other) = Common(first.Items, second.Items);
        if (one.Count == 0) return new PairedTask(first, second, whole, 0, null, "no item in common");
        var test = PairedTest.Of(Weighted(benchmark.Mean, one, other), bootstrap.Seed);
        if (one.Count == first.Items.Count && one.Count == second.Items.Count)
            return new PairedTask(first, second, whole with { Interval = PairedDifference.Between(first.Resampled, second.Resampled) }, one.Count, test);
        var scale = first.Result.Unit.Scale;
        var interval = PairedDifference.Between(Draws(one), Draws(other));
        return new PairedTask(first, second, new PairedDifference(benchmark.Aggregate(one) * scale, benchmark.Aggregate(other) * scale, interval), one.Count, test);

        double[]? Draws(IReadOnlyList<ItemScore> items) => bootstrap.Values(benchmark, items)?.Select(value => value * scale).ToArray();
    }

    // Both in the order of the first; what has no score in one of them is in none.
    private static (IReadOnlyList<ItemScore> One, IReadOnlyList<ItemScore> Other) Common(IReadOnlyList<ItemScore> first, IReadOnlyList<ItemScore> second)
    {
        var others = second.GroupBy(item => (item.Dataset, item.Item)).ToDictionary(group => group.Key, group => group.First());
        var pairs = first.Select(item => (One: item, Other: others.GetValueOrDefault((item.Dataset, item.Item)))).Where(pair => pair is { One.IsScored: true, Other.IsScored: true }).ToList();
        return ([.. pairs.Select(pair => pair.One)], [.. pairs.Select(pair => pair.Other!)]);
    }

    private static IReadOnlyList<double> Weighted(ScoreMean mean, IReadOnlyList<ItemScore> one, IReadOnlyList<ItemScore> other)
    {
        if (mean == ScoreMean.OfItems) return [.. one.Zip(other, (a, b) => b.Value - a.Value)];
        var sizes = one.GroupBy(item => item.Dataset).ToDictionary(dataset => dataset.Key, dataset => dataset.Count());
        return [.. one.Zip(other, (a, b) => (b.Value - a.Value) / sizes[a.Dataset])];
    }
}
