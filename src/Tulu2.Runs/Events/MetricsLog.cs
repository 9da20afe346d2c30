using Tulu2.Evaluation.Reporting;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Runs.Events;

/// <summary><c>metrics.jsonl</c>: one object per committed step.</summary>
internal static class MetricsLog
{
    private static readonly LineForm<StepRecord> Form =
        new(step => step.Step, StepLine.Read, StepLine.Write, (one, other) => one with { Seconds = 0 } == other with { Seconds = 0 });

    /// <inheritdoc cref="StepLog{TLine}.Open"/>
    public static StepLog<StepRecord> Open(string path, Action<string> say) => StepLog<StepRecord>.Open(path, Form, say);

    public static StepRecord Record(StepCommit step) => Record(step.Step, step.Metrics, step.Seconds, step.Skipped?.What, step.LeftOut.Length);

    public static StepRecord Record(RunEvent.StepKnown step) => Record(step.Step, step.Metrics, step.Seconds, step.Skipped, step.LeftOut);

    public static StepRecord Record(StepNumber step, StepMetrics metrics, double seconds, string? skipped = null, int leftOut = 0) =>
        new(step, metrics.Loss, metrics.LearningRate, metrics.GradientNorm, metrics.Tokens, metrics.LossTokens, seconds)
        {
            More = metrics.More,
            Skipped = skipped,
            LeftOutSlots = leftOut,
        };
}

/// <summary><c>validation.jsonl</c>: one object per validation.</summary>
internal static class ValidationLog
{
    // Which of the validations is the best may change with the recipe's metric.
    private static readonly LineForm<ValidationRecord> Form =
        new(validation => validation.Step, ValidationLine.Read, ValidationLine.Write, (one, other) => one.Values.Equals(other.Values));

    /// <inheritdoc cref="StepLog{TLine}.Open"/>
    public static StepLog<ValidationRecord> Open(string path, Action<string> say) => StepLog<ValidationRecord>.Open(path, Form, say);

    /// <summary>How long it took is not known.</summary>
    public static ValidationRecord Record(RunEvent.ValidationKnown known) => new(known.Step, known.Values, known.Verdict.IsBest, 0);

    public static ValidationRecord Record(RunEvent.Validated validated) =>
        new(validated.Step, validated.Values, validated.Verdict.IsBest, validated.Seconds);
}
