using Tulu2.Files;

namespace Tulu2.Cluster.Runs;

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

/// <summary>Why a run failed.</summary>
/// <param name="Error">One line.</param>
/// <param name="Detail">Stack traces and the like, for the log.</param>
/// <param name="BadInputWhere">Not null: what the user gave is at fault.</param>
/// <param name="BadInputFix">What would help; also where nothing that the user gave is at fault.</param>
public sealed record RunFailure(string Error, string Detail, string? BadInputWhere = null, string? BadInputFix = null)
{
    /// <summary>The failure as the command line handles it: <see cref="BadInputException"/> when the user's input is at fault.</summary>
    public Exception ToException() => BadInputWhere is null
        ? new RunFailedException(Error, Detail, BadInputFix)
        : new BadInputException(BadInputWhere, Error, BadInputFix ?? "correct it and start again");

    /// <summary>A worker's words for a <see cref="BadInputException"/>; its message has the place in front, which is kept only once.</summary>
    internal static RunFailure OfBadInput(string error, string detail, string? where, string? fix) =>
        new(where is not null && error.StartsWith($"{where}: ", StringComparison.Ordinal) ? error[(where.Length + 2)..] : error, detail, where, fix);

    internal static RunFailure Of(Exception cause) => cause switch
    {
        BadInputException bad => new RunFailure(bad.What, bad.ToString(), bad.Where, bad.Fix),
        NonFiniteException number => new RunFailure(number.Message, number.ToString(), null, number.Fix),
        _ => new RunFailure(FaultText.Of(cause), cause.ToString()),
    };
}

/// <summary>A run ended for a cause that is not the user's input.</summary>
/// <param name="fix">What the user can do about it; null: nobody knows.</param>
public sealed class RunFailedException(string error, string detail, string? fix = null) : Exception(error)
{
    public string? Fix { get; } = fix;

    public string Detail { get; } = detail;
}
