using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Adds outcomes up to scores: per model and benchmark, and per dataset where there are several. Sums of counts are exact in any order.</summary>
public sealed class EvaluationTable
{
    private readonly Dictionary<string, string> _seen = [];
    private readonly List<(string Model, string Benchmark, EvaluationOutcome Outcome)> _outcomes = [];

    /// <param name="model">Column of the table: <c>untrained</c>, <c>sft</c>, <c>dpo</c>.</param>
    /// <param name="benchmark">Row of the table; normally the task's kind.</param>
    /// <exception cref="ArgumentException">The task was counted already.</exception>
    public void Add(string model, string benchmark, EvaluationOutcome outcome)
    {
        if (!_seen.TryAdd(outcome.TaskId, model)) throw new ArgumentException($"task {outcome.TaskId} was counted already, for {_seen[outcome.TaskId]}");
        _outcomes.Add((model, benchmark, outcome));
    }

    /// <summary>All scores: the whole of a benchmark (dataset empty), then its datasets by name where it has more than one.</summary>
    public IReadOnlyList<ReportScore> Scores() =>
        [.. _outcomes.GroupBy(o => (o.Model, o.Benchmark)).SelectMany(group => Rows(group.Key.Model, group.Key.Benchmark, [.. group.Select(g => g.Outcome)]))];

    /// <summary>The share that is right, from 0 to 1; null where nothing was counted.</summary>
    public double? Share(string model, string benchmark) =>
        Scores().FirstOrDefault(s => s.Model == model && s.Benchmark == benchmark && s.Dataset.Length == 0) is { Items: > 0 } score ? score.Score / score.Items : null;

    /// <summary>Sample texts of each model, at most <paramref name="limit"/>, as they came.</summary>
    public IReadOnlyList<ReportSamples> Samples(int limit) =>
        [.. _outcomes.GroupBy(o => o.Model).Select(g => new ReportSamples(g.Key, [.. g.SelectMany(o => o.Outcome.Samples).Take(limit)])).Where(s => s.Samples.Count > 0)];

    private static IEnumerable<ReportScore> Rows(string model, string benchmark, List<EvaluationOutcome> outcomes)
    {
        yield return new ReportScore(model, benchmark, string.Empty, outcomes.Sum(o => o.Items), outcomes.Sum(o => o.Score));
        var datasets = outcomes.SelectMany(o => o.Datasets).GroupBy(d => d.Dataset).OrderBy(d => d.Key, StringComparer.Ordinal).ToList();
        if (datasets.Count < 2) yield break;
        foreach (var dataset in datasets)
            yield return new ReportScore(model, benchmark, dataset.Key, dataset.Sum(d => d.Items), dataset.Sum(d => d.Score));
    }
}
