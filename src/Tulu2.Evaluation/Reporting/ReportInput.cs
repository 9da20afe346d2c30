using System.Text.Json.Serialization;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Reporting;

/// <summary>A name and a value worth a line in the report.</summary>
public sealed record ReportFact(string Name, string Value);

/// <summary>One stage of the work.</summary>
/// <param name="Name">Unique in the report: <c>sft</c>, <c>dpo</c>, ...</param>
/// <param name="Steps">Committed steps; empty for a stage that trains nothing.</param>
/// <param name="WallSeconds">All of the stage, start-up and checkpoints included; null: the sum of its sessions, or of the steps where none is known.</param>
public sealed record ReportStage(string Name, IReadOnlyList<StepRecord> Steps, double? WallSeconds = null)
{
    /// <summary>Facts of the stage: model, layout, host, versions, ...</summary>
    public IReadOnlyList<ReportFact> Facts { get; init; } = [];

    /// <summary>The hyperparameters, by the recipe's keys.</summary>
    public IReadOnlyList<ReportFact> Settings { get; init; } = [];

    /// <summary>The whole recipe, as text; null: not known.</summary>
    public string? Recipe { get; init; }

    public IReadOnlyList<ReportDataFile> Files { get; init; } = [];

    /// <summary>In order of time.</summary>
    public IReadOnlyList<ReportSession> Sessions { get; init; } = [];

    /// <summary>Time that was spent on the stage.</summary>
    public double Seconds => WallSeconds ?? (Sessions.Count > 0 ? Sessions.Sum(session => session.Seconds) : Steps.Sum(step => step.Seconds));
}

/// <summary>A training file of a stage.</summary>
/// <param name="Rows">Rows (or pairs) of it that were used.</param>
public sealed record ReportDataFile(string Path, long Bytes, long Rows);

/// <summary>One process lifetime of a run, from its start or resumption to its last ledger entry.</summary>
/// <param name="Before">Steps that were committed before it.</param>
/// <param name="After">The last step that it committed, or <paramref name="Before"/>.</param>
/// <param name="End">How it ended, in words.</param>
/// <param name="Host">Where it ran; null: not known.</param>
public sealed record ReportSession(DateTimeOffset Began, DateTimeOffset Ended, int Before, int After, int Ranks, string End, string? Host)
{
    public double Seconds => (Ended - Began).TotalSeconds;
}

/// <summary>A score of one model on one benchmark, or on one dataset of it.</summary>
/// <param name="Model">Column of the table: <c>untrained</c>, <c>sft</c>, <c>dpo</c>.</param>
/// <param name="Dataset">Empty: the whole benchmark.</param>
/// <param name="Items">Number of items scored.</param>
/// <param name="Score">In <paramref name="Unit"/>.</param>
/// <param name="Unit">Null in a <c>report.json</c> of an older version, whose <paramref name="Score"/> is the number of right items.</param>
public sealed record ReportScore(string Model, string Benchmark, string Dataset, int Items, double Score, ScoreUnit? Unit = null)
{
    /// <summary>In the unit; a share where none is recorded.</summary>
    [JsonIgnore]
    public double Value => Unit is null ? Score / Items : Score;

    /// <summary>With the unit; a dash where nothing was scored.</summary>
    [JsonIgnore]
    public string Text => Items == 0 ? "–" : (Unit ?? ScoreUnit.Share).Text(Value);
}

/// <summary>Texts of one model.</summary>
/// <param name="From">Source of the prompts, and whether the model has seen them.</param>
public sealed record ReportSamples(string Model, IReadOnlyList<EvaluationSample> Samples, string? From = null);

/// <summary>Sequences of <paramref name="From"/> to <paramref name="To"/> - 1 tokens.</summary>
public sealed record LengthBin(int From, int To, long Count);

/// <summary>Seconds of a stage's steps on one rank, by purpose; the rest is the update and the transport of messages.</summary>
/// <param name="Seconds">Total of the steps that the rank took part in.</param>
/// <param name="Batches">Waiting for batches.</param>
/// <param name="Stages">Waiting for other pipeline stages: the bubble.</param>
/// <param name="TensorSums">Sums over tensor-parallel ranks, waiting included.</param>
/// <param name="Reduction">Sum of the gradient over replicas, waiting included.</param>
/// <param name="Commits">Waiting for the commit.</param>
public sealed record RankTime(int Rank, double Seconds, double Compute, double Batches, double Stages, double TensorSums, double Reduction, double Commits);

/// <summary>Times of a stage's ranks.</summary>
/// <param name="Stage">Name of the stage.</param>
public sealed record ReportRankTimes(string Stage, IReadOnlyList<RankTime> Ranks);

/// <summary>A loss of a rank or node, or a restart.</summary>
public sealed record ReportFailure(string When, string What);

/// <summary>Everything that the report shows; parts that are empty leave their section out.</summary>
public sealed record ReportInput
{
    public required string Title { get; init; }
    public IReadOnlyList<ReportFact> Facts { get; init; } = [];
    public IReadOnlyList<ReportStage> Stages { get; init; } = [];
    public IReadOnlyList<ReportScore> Scores { get; init; } = [];
    public IReadOnlyList<ReportSamples> Samples { get; init; } = [];
    public IReadOnlyList<LengthBin> TokenLengths { get; init; } = [];
    public IReadOnlyList<ReportRankTimes> RankTimes { get; init; } = [];
    public IReadOnlyList<ReportFailure> Failures { get; init; } = [];
}
