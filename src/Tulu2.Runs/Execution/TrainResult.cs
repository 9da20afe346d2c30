using System.Text.Json.Serialization;

namespace Tulu2.Runs.Execution;

/// <summary>The last line of <c>train --json</c>.</summary>
/// <param name="Run">The run directory.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="LossFirst">Loss of step 1; null if metrics.jsonl was lost.</param>
/// <param name="LossLast">Loss of the last step.</param>
/// <param name="ParametersSha256">Over the fp32 master parameters, in order of their Hugging Face names.</param>
internal sealed record TrainResult(string Run, int Steps, double? LossFirst, double? LossLast, double TokensPerSecond, string ParametersSha256)
{
    /// <summary>Share of the ranks' time that was useful; null: not known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Goodput { get; init; }

    /// <summary>Null: the run does not validate.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BestModel? Best { get; init; }
}
