using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Results;

/// <summary>The score of one model on one benchmark: <c>result.json</c> of a result folder.</summary>
public sealed record TaskResult
{
    public required string Task { get; init; }

    /// <summary>Name of the model in tables.</summary>
    public required string Model { get; init; }

    /// <summary>In <see cref="Unit"/>; null: nothing was scored, see <see cref="Withheld"/>.</summary>
    public required double? Score { get; init; }

    /// <summary>Of a new draw of items.</summary>
    public required double? StandardError { get; init; }

    /// <summary>Number of items that have a score.</summary>
    public required int Items { get; init; }

    public required ScoreUnit Unit { get; init; }

    public bool IsLowerBetter { get; init; }

    /// <summary>Column of the paper's tables; null: none.</summary>
    public PaperColumn? Column { get; init; }

    public EvaluationMode Mode { get; init; }

    /// <summary>Null: the benchmark's own way.</summary>
    public bool? Chat { get; init; }

    /// <summary>Null: the benchmark's own number.</summary>
    public int? Shots { get; init; }

    /// <summary>Not null: a part of the items only.</summary>
    public int? Limit { get; init; }

    /// <summary>How many items fewer than its authors' files have, whether their data was not there or did not fit into the model's context; null: none, or <see cref="Limit"/>.</summary>
    public int? Missing { get; init; }

    /// <summary>Who judged, by role.</summary>
    public IReadOnlyDictionary<string, string> Judges { get; init; } = new Dictionary<string, string>();

    /// <summary>What the judges did, and what it cost.</summary>
    public IReadOnlyList<JudgeUse> JudgeUse { get; init; } = [];

    /// <summary>What else the benchmark's users report, by name.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = ItemScore.NoMetrics;

    /// <summary>Scores of the parts, by name; empty: it has none.</summary>
    public IReadOnlyList<DatasetResult> Datasets { get; init; } = [];

    /// <summary>Mean length of the outputs, in characters (UTF-16 units); null: no texts were generated.</summary>
    public double? MeanLength { get; init; }

    /// <summary>Why there is no score: the model was trained on the answers.</summary>
    public string? Withheld { get; init; }

    /// <summary>Identifies model, data and options: results with another one are of something else. Empty: not known.</summary>
    public string Subject { get; init; } = "";

    /// <summary>Step of the checkpoint; null: a model of its own.</summary>
    public int? Step { get; init; }

    /// <summary>Computes the result of scored items.</summary>
    /// <param name="scores">Not empty.</param>
    public static TaskResult Of(IBenchmark benchmark, string model, BenchmarkOptions options, IReadOnlyDictionary<string, string> judges, IReadOnlyList<ItemScore> scores)
    {
        var datasets = scores.GroupBy(score => score.Dataset).OrderBy(dataset => dataset.Key, StringComparer.Ordinal).ToList();
        var outputs = scores.Select(score => score.Sample?.Output).OfType<string>().ToList();
        return Unscored(benchmark, model, options) with
        {
            Score = benchmark.Aggregate(scores),
            StandardError = benchmark.StandardError(scores),
            Items = scores.Count(score => score.IsScored),
            Missing = options.Limit is null && benchmark.PublishedItems(options.Mode) is { } published && published > scores.Count ? published - scores.Count : null,
            Judges = judges.Where(judge => benchmark.Judges.Contains(judge.Key)).ToDictionary(),
            Metrics = benchmark.Metrics(scores),
            Datasets = datasets.Count < 2 ? [] : [.. datasets.Select(dataset => Part(benchmark, dataset.Key, [.. dataset]))],
            MeanLength = outputs.Count == 0 ? null : outputs.Average(output => output.Length),
        };
    }

    /// <summary>A result without a score.</summary>
    /// <param name="why">See <see cref="Withheld"/>.</param>
    public static TaskResult WithheldOf(IBenchmark benchmark, string model, BenchmarkOptions options, string why) =>
        Unscored(benchmark, model, options) with { Withheld = why };

    private static TaskResult Unscored(IBenchmark benchmark, string model, BenchmarkOptions options) => new()
    {
        Task = benchmark.Name,
        Model = model,
        Score = null,
        StandardError = null,
        Items = 0,
        Unit = benchmark.Unit,
        IsLowerBetter = benchmark.IsLowerBetter,
        Column = benchmark.Column,
        Mode = options.Mode,
        Chat = options.Chat,
        Shots = options.Shots,
        Limit = options.Limit,
    };

    private static DatasetResult Part(IBenchmark benchmark, string name, IReadOnlyList<ItemScore> scores) =>
        new(name, scores.Count(score => score.IsScored), benchmark.Aggregate(scores), benchmark.StandardError(scores)) { Metrics = benchmark.Metrics(scores) };
}

/// <summary>The score of a part of a benchmark.</summary>
public sealed record DatasetResult(string Name, int Items, double Score, double StandardError)
{
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = ItemScore.NoMetrics;
}
