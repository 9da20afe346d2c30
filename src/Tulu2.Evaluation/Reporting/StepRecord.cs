using Tulu2.Protocol.Workers;

namespace Tulu2.Evaluation.Reporting;

/// <summary>One committed step, as a line of <c>metrics.jsonl</c> holds it.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Loss">Before the update.</param>
/// <param name="GradNorm">Before clipping.</param>
/// <param name="Tokens">Real tokens of the step.</param>
/// <param name="LossTokens">Scored tokens of the step.</param>
/// <param name="Seconds">Wall time of the step.</param>
public sealed record StepRecord(int Step, double Loss, double LearningRate, double GradNorm, long Tokens, long LossTokens, double Seconds)
{
    /// <summary>The objective's own metrics, in the file's order.</summary>
    public NamedValues More { get; init; } = [];

    /// <summary>Real tokens a second; 0 where no time was measured.</summary>
    public double TokensPerSecond => Seconds > 0 ? Tokens / Seconds : 0;
}
