using Tulu2.Protocol.Workers;

namespace Tulu2.Evaluation.Reporting;

/// <summary>One committed step: the content of a line of <c>metrics.jsonl</c>.</summary>
/// <param name="Step">Number of the step, from 1.</param>
/// <param name="Loss">Loss before the update.</param>
/// <param name="GradNorm">L2 norm of the gradient before clipping.</param>
/// <param name="Tokens">Number of tokens, padding excluded.</param>
/// <param name="LossTokens">Number of scored tokens.</param>
/// <param name="Seconds">Wall time.</param>
public sealed record StepRecord(int Step, double Loss, double LearningRate, double GradNorm, long Tokens, long LossTokens, double Seconds)
{
    /// <summary>The objective's own metrics, in the file's order.</summary>
    public NamedValues More { get; init; } = [];

    /// <summary>Why the step changed nothing, since it is not finite; null: it was applied.</summary>
    public string? Skipped { get; init; }

    /// <summary>How many of its slots were left out.</summary>
    public int LeftOutSlots { get; init; }

    /// <summary>Tokens per second, padding excluded; 0 where no time was measured.</summary>
    public double TokensPerSecond => Seconds > 0 ? Tokens / Seconds : 0;
}
