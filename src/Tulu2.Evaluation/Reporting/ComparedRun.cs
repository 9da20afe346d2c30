using Tulu2.Training.Objectives;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;

namespace Tulu2.Evaluation.Reporting;

/// <summary>What a comparison tells of one run; null: it cannot be told any more.</summary>
/// <param name="Name">Unique in the comparison.</param>
/// <param name="Directory">Of the run.</param>
/// <param name="Steps">Committed steps; at least one.</param>
public sealed record ComparedRun(string Name, string Directory, IReadOnlyList<StepRecord> Steps)
{
    public Recipe? Recipe { get; init; }

    /// <summary>Number of parameters of the model, without adapters.</summary>
    public long? Parameters { get; init; }

    /// <summary>Number of those that are trained: all of the model's, or those of the adapters.</summary>
    public long? TrainedParameters { get; init; }

    /// <summary>Number of rows (or pairs) of the training files.</summary>
    public long? Rows { get; init; }

    /// <summary>Number of steps that the run was to make.</summary>
    public int? TotalSteps { get; init; }

    /// <summary>Number of ranks of the last session.</summary>
    public int? Ranks { get; init; }

    /// <summary>Their layout: data x tensor x pipeline.</summary>
    public string? Layout { get; init; }

    /// <summary>Memory of a rank, counted beforehand for the run's own layout; of the pipeline stage that needs most.</summary>
    public RankMemory? Planned { get; init; }

    /// <summary>The most resident bytes that a rank's process has had; null: the run did not write it down.</summary>
    public long? MeasuredPeak { get; init; }

    /// <summary>Wall time of all sessions, start-up and checkpoints included.</summary>
    public double? Seconds { get; init; }

    /// <summary>In order of their steps; empty: the run does not validate.</summary>
    public IReadOnlyList<ValidationRecord> Validations { get; init; } = [];

    public IReadOnlyList<ReportScore> Scores { get; init; } = [];

    /// <summary>Wall time of the committed steps.</summary>
    public double StepSeconds => Steps.Sum(step => step.Seconds);

    public long Tokens => Steps.Sum(step => step.Tokens);

    /// <summary>Over the committed steps; null: no time was measured.</summary>
    public double? TokensPerSecond => StepSeconds > 0 ? Tokens / StepSeconds : null;

    /// <summary>The validation with the lowest loss; null: there is none.</summary>
    public ValidationRecord? BestValidation => Validations.Where(validation => double.IsFinite(LossOf(validation))).MinBy(LossOf);

    /// <summary>Bytes of a rank's weights and optimizer state: frozen model, compute weights, fp32 master and moments.</summary>
    public long? State => Planned is { } memory ? memory.Frozen + ComputeWeights(memory) + memory.Master + memory.Moments : null;

    public static double LossOf(ValidationRecord validation) => validation.Values.Find(ValidationMetrics.Loss) ?? double.NaN;

    public static long ComputeWeights(RankMemory memory) => memory.Weights + memory.HostWeights;

    public static long Gradients(RankMemory memory) => memory.Gradients + memory.HostGradients;
}
