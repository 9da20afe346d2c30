using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Computes the scores of each model on each benchmark, and on its datasets if it has several.</summary>
public sealed class EvaluationTable
{
    private const int SamplesOfTask = 8;

    private readonly Dictionary<string, string> _seen = [];
    private readonly List<(string Model, IBenchmark Benchmark, EvaluationOutcome Outcome)> _outcomes = [];

    /// <param name="model">Column of the table: <c>untrained</c>, <c>sft</c>, <c>dpo</c>.</param>
    /// <exception cref="ArgumentException">The task's outcome was added already.</exception>
    public void Add(string model, IBenchmark benchmark, EvaluationOutcome outcome)
    {
        if (!_seen.TryAdd(outcome.TaskId, model)) throw new ArgumentException($"task {outcome.TaskId} was counted already, for {_seen[outcome.TaskId]}");
        _outcomes.Add((model, benchmark, outcome));
    }

    /// <summary>All scores: for each benchmark the overall score (dataset empty), then those of its datasets by name if it has more than one.</summary>
    public IReadOnlyList<ReportScore> Scores() =>
        [.. _outcomes.GroupBy(o => (o.Model, o.Benchmark)).SelectMany(group => Rows(group.Key.Model, group.Key.Benchmark, group.Select(o => o.Outcome)))];

    /// <summary>The overall score of a benchmark, in its unit; null if nothing was scored.</summary>
    public double? Score(string model, IBenchmark benchmark) =>
        Scores().FirstOrDefault(score => score.Model == model && score.Benchmark == benchmark.Name && score.Dataset.Length == 0)?.Value;

    /// <summary>Up to <paramref name="limit"/> sample outputs per model: of each task a few wrong ones, then a few correct ones, in the order in which they were added.</summary>
    public IReadOnlyList<ReportSamples> Samples(int limit) =>

    [
        .. _outcomes.GroupBy(o => o.Model).Select(g => new ReportSamples(g.Key, [.. g.SelectMany(o => Samples(o.Outcome)).Take(limit)]))
            .Where(s => s.Samples.Count > 0),
    ];

    private static IEnumerable<EvaluationSample> Samples(EvaluationOutcome outcome)
    {
        var samples = outcome.Scores.Select(score => score.Sample).OfType<EvaluationSample>().ToList();
        var wrong = samples.Where(sample => !sample.Correct).Take(SamplesOfTask / 2).ToList();
        return [.. wrong, .. samples.Where(sample => sample.Correct).Take(SamplesOfTask - wrong.Count)];
    }

    private static IEnumerable<ReportScore> Rows(string model, IBenchmark benchmark, IEnumerable<EvaluationOutcome> outcomes)
    {
        var scores = outcomes.SelectMany(outcome => outcome.Scores).ToList();
        if (scores.Count == 0) yield break;
        yield return Row("", scores);
        var datasets = scores.GroupBy(score => score.Dataset).OrderBy(dataset => dataset.Key, StringComparer.Ordinal).ToList();
        if (datasets.Count < 2) yield break;
        foreach (var dataset in datasets) yield return Row(dataset.Key, [.. dataset]);

        ReportScore Row(string dataset, IReadOnlyList<ItemScore> part) =>
            new(model, benchmark.Name, dataset, part.Count, benchmark.Aggregate(part), benchmark.Unit);
    }
}
