namespace Tulu2.Runs.Output;

/// <summary>A run was stopped on request.</summary>
/// <param name="what">State of the run, in lower case and without a full stop.</param>
/// <param name="fix">How to continue it.</param>
internal sealed class RunStoppedException(string what, string fix) : OperationCanceledException(what)
{
    public string Fix { get; } = fix;
}
