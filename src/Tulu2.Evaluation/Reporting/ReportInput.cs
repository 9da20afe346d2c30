using System.Text.Json.Serialization;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting;

/// <summary>A name and value, shown as one line of the report.</summary>
public sealed record ReportFact(string Name, string Value);

/// <summary>One training stage: SFT, DPO or another single run.</summary>
/// <param name="Name">Unique in the report: <c>sft</c>, <c>dpo</c>, ...</param>
/// <param name="Steps">Committed steps; may be empty.</param>
/// <param name="WallSeconds">
/// Wall time of the stage, start-up and checkpoints included; null: the sum over its sessions, or over its steps if no session is known.
/// </param>
public sealed record ReportStage(string Name, IReadOnlyList<StepRecord> Steps, double? WallSeconds = null)
{
    /// <summary>Facts of the stage: model, layout, host, versions, ...</summary>
    public IReadOnlyList<ReportFact> Facts { get; init; } = [];

    /// <summary>The hyperparameters, named by their recipe keys.</summary>
    public IReadOnlyList<ReportFact> Settings { get; init; } = [];

    /// <summary>Text of the whole recipe; null: not known.</summary>
    public string? Recipe { get; init; }

    public IReadOnlyList<ReportDataFile> Files { get; init; } = [];

    /// <summary>In order of their steps; empty: the stage does not validate.</summary>
    public IReadOnlyList<ValidationRecord> Validations { get; init; } = [];

    /// <summary>In chronological order.</summary>
    public IReadOnlyList<ReportSession> Sessions { get; init; } = [];

    /// <summary>Time spent on the stage, in seconds.</summary>
    public double Seconds => WallSeconds ?? (Sessions.Count > 0 ? Sessions.Sum(session => session.Seconds) : Steps.Sum(step => step.Seconds));
}

/// <summary>A training file of a stage.</summary>
/// <param name="Rows">Number of its rows (or pairs) that were used.</param>
public sealed record ReportDataFile(string Path, long Bytes, long Rows);

/// <summary>One session of a run, from its start or resumption to its last ledger entry.</summary>
/// <param name="Before">Number of steps committed before the session.</param>
/// <param name="After">Last step committed in the session; <paramref name="Before"/> if there is none.</param>
/// <param name="End">Description of how the session ended.</param>
/// <param name="Host">Name of the host; null: not known.</param>
public sealed record ReportSession(DateTimeOffset Began, DateTimeOffset Ended, int Before, int After, int Ranks, string End, string? Host)
{
    public double Seconds => (Ended - Began).TotalSeconds;
}

/// <summary>A score of one model on one benchmark, or on one dataset of it.</summary>
/// <param name="Model">Column of the table: <c>untrained</c>, <c>sft</c>, <c>dpo</c>.</param>
/// <param name="Dataset">Empty: the whole benchmark.</param>
/// <param name="Items">Number of items scored.</param>
/// <param name="Score">In <paramref name="Unit"/>.</param>
/// <param name="Unit">Null in a <c>report.json</c> of an older version, where <paramref name="Score"/> is the number of correct items.</param>
public sealed record ReportScore(string Model, string Benchmark, string Dataset, int Items, double Score, ScoreUnit? Unit = null)
{
    /// <summary>The score in its unit, or as a share where no unit is recorded.</summary>
    [JsonIgnore]
    public double Value => Unit is null ? Score / Items : Score;

    /// <summary>The score with its unit, for display; a dash if nothing was scored.</summary>
    [JsonIgnore]
    public string Text => Items == 0 ? "–" : (Unit ?? ScoreUnit.Share).Text(Value);
}

/// <summary>Sample outputs of one model.</summary>
/// <param name="From">Source of the prompts, and whether the model was trained on them; null: not known.</param>
public sealed record ReportSamples(string Model, IReadOnlyList<EvaluationSample> Samples, string? From = null);

/// <summary>Number of sequences with <paramref name="From"/> to <paramref name="To"/> - 1 tokens.</summary>
public sealed record LengthBin(int From, int To, long Count);

/// <summary>Seconds that one rank spent in a training stage, by purpose; the remainder is the update and message transport.</summary>
/// <param name="Seconds">Total time of the steps in which the rank took part.</param>
/// <param name="Batches">Waiting for batches.</param>
/// <param name="Bubble">Waiting for other pipeline stages.</param>
/// <param name="TensorSums">Sums over tensor-parallel ranks, waiting included.</param>
/// <param name="Reduction">Sum of the gradient over replicas, waiting included.</param>
/// <param name="Commits">Waiting for the commit.</param>
public sealed record RankTime(int Rank, double Seconds, double Compute, double Batches, double Bubble, double TensorSums, double Reduction, double Commits);

/// <summary>Times of the ranks of a training stage.</summary>
/// <param name="Stage">Name of the stage.</param>
public sealed record ReportRankTimes(string Stage, IReadOnlyList<RankTime> Ranks)
{
    /// <summary>Null: no checkpoint was taken.</summary>
    public ReportStall? CheckpointStall { get; init; }
}

/// <summary>Time that steps waited for checkpoints: for the copy of the state in memory, since the storage is written beside the steps.</summary>
/// <param name="Seconds">Sum over the checkpoints, each the slowest rank's.</param>
/// <param name="StepSeconds">Of all steps.</param>
public sealed record ReportStall(int Checkpoints, double Seconds, double StepSeconds)
{
    public double? Share => StepSeconds > 0 ? Seconds / StepSeconds : null;

    public string Text => $"steps waited {NumberText.Fixed(Seconds, 2)} s for {NumberText.Count(Checkpoints, "checkpoint")}, {NumberText.Percent(Share, 2)} of their time";
}

/// <summary>A loss of a rank or node, or a restart.</summary>
public sealed record ReportFailure(string When, string What);

/// <summary>The content of the report; sections without content are left out.</summary>
public sealed record ReportInput
{
    public required string Title { get; init; }
    public IReadOnlyList<ReportFact> Facts { get; init; } = [];
    public IReadOnlyList<ReportStage> Stages { get; init; } = [];
    public IReadOnlyList<ReportScore> Scores { get; init; } = [];
    public IReadOnlyList<ReportSamples> Samples { get; init; } = [];
    public IReadOnlyList<LengthBin> TokenLengths { get; init; } = [];
    public IReadOnlyList<ReportRankTimes> RankTimes { get; init; } = [];
    public IReadOnlyList<ReportGoodput> Goodput { get; init; } = [];
    public IReadOnlyList<ReportFailure> Failures { get; init; } = [];

    /// <summary>What was evaluated while the run trained; null: nothing.</summary>
    public PageParts? Evaluations { get; init; }
}
