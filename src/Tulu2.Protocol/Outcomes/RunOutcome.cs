namespace Tulu2.Protocol.Outcomes;

/// <summary>How a run ended.</summary>
public enum RunEnd
{
    /// <summary>All steps are committed and the last checkpoint is on disk.</summary>
    Completed,

    /// <summary>Stopped on demand, after a whole step and its checkpoint; it can be resumed.</summary>
    Cancelled,

    Failed,
}

/// <param name="Steps">Steps applied to the parameters.</param>
/// <param name="ParametersSha256">Of the state after the last step; null when the run failed, or did no step.</param>
/// <param name="LossFirst">Of the first step this process committed; null when it committed none.</param>
/// <param name="LossLast">Of the last step this process committed.</param>
/// <param name="ManifestPath">The newest manifest, which is the state after <paramref name="Steps"/> unless the run failed.</param>
/// <param name="Tokens">Real tokens of the steps this process committed.</param>
/// <param name="Seconds">From the first step's begin to the last commit.</param>
/// <param name="Failure">Not null exactly when the run failed.</param>
public sealed record RunOutcome(
    RunEnd End, int Steps, string? ParametersSha256, double? LossFirst, double? LossLast, string? ManifestPath, long Tokens, double Seconds,
        RunFailure? Failure);
