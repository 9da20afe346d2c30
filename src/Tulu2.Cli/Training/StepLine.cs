using System.Text.Json.Serialization;
using Tulu2.Training.Workers;

namespace Tulu2.Cli.Training;

/// <summary>One line of <c>metrics.jsonl</c>: a committed step.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Loss">Before the update.</param>
/// <param name="GradNorm">Before clipping.</param>
/// <param name="Seconds">Of the whole step.</param>
internal sealed record StepLine(int Step, double Loss, double LearningRate, double GradNorm, long Tokens, long LossTokens, double Seconds)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? RewardsChosen { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? RewardsRejected { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? RewardsMargin { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? RewardsAccuracy { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LogpsChosen { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LogpsRejected { get; init; }

    public static StepLine Of(int step, StepMetrics metrics, double seconds) =>
        new(step, metrics.Loss, metrics.LearningRate, metrics.GradientNorm, metrics.Tokens, metrics.LossTokens, seconds)
        {
            RewardsChosen = metrics.Preference?.RewardsChosen,
            RewardsRejected = metrics.Preference?.RewardsRejected,
            RewardsMargin = metrics.Preference?.RewardsMargin,
            RewardsAccuracy = metrics.Preference?.RewardsAccuracy,
            LogpsChosen = metrics.Preference?.LogpsChosen,
            LogpsRejected = metrics.Preference?.LogpsRejected,
        };

    /// <summary>The same step computed twice has the same figures to the last bit; only its time may differ.</summary>
    public bool SameBits(StepLine other) => this with { Seconds = 0 } == other with { Seconds = 0 };
}
