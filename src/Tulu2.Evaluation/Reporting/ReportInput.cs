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

/// <summary>A file that a stage learned from.</summary>
/// <param name="Rows">Rows (or pairs) of it that were used.</param>
public sealed record ReportDataFile(string Path, long Bytes, long Rows);

/// <summary>One life of a run's process, from its start or resumption to its last word.</summary>
/// <param name="Before">Steps that were committed before it.</param>
/// <param name="After">The last step that it committed, or <paramref name="Before"/>.</param>
/// <param name="End">How it ended, in words.</param>
/// <param name="Host">Where it ran; null: not known.</param>
public sealed record ReportSession(DateTimeOffset Began, DateTimeOffset Ended, int Before, int After, int Ranks, string End, string? Host)
{
    public double Seconds => (Ended - Began).TotalSeconds;
}

/// <summary>A score of one model on one benchmark (or one dataset of it): <paramref name="Score"/> points of <paramref name="Items"/>.</summary>
/// <param name="Model">Column of the table: <c>untrained</c>, <c>sft</c>, <c>dpo</c>.</param>
/// <param name="Dataset">Empty: the whole benchmark.</param>
public sealed record ReportScore(string Model, string Benchmark, string Dataset, int Items, double Score);

/// <summary>Texts of one model.</summary>
/// <param name="From">Which rows the prompts are of, and whether the model has seen them.</param>
public sealed record ReportSamples(string Model, IReadOnlyList<EvaluationSample> Samples, string? From = null);

/// <summary>Sequences of <paramref name="From"/> to <paramref name="To"/> - 1 tokens.</summary>
public sealed record LengthBin(int From, int To, long Count);

/// <summary>Where the seconds of a stage's steps went on one rank; what is left of them is the update and the way of messages.</summary>
/// <param name="Seconds">Of the steps it took part in.</param>
/// <param name="Batches">In waiting for them; so also <paramref name="Stages"/>, the pipeline's bubble, and <paramref name="Commits"/>.</param>
/// <param name="TensorSums">In sums over tensor-parallel ranks, waiting included.</param>
/// <param name="Reduction">In the gradient's sum over replicas, waiting included.</param>
public sealed record RankTime(int Rank, double Seconds, double Compute, double Batches, double Stages, double TensorSums, double Reduction, double Commits);

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
