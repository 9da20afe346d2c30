using Tulu2.Files;

namespace Tulu2.Protocol.Outcomes;

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

    public static RunFailure Of(Exception cause) => cause switch
    {
        BadInputException bad => new RunFailure(bad.What, bad.ToString(), bad.Where, bad.Fix),
        _ when DiskFault.AsBadInput(cause) is { } disk => new RunFailure(disk.What, cause.ToString(), disk.Where, disk.Fix),
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
