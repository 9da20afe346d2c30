namespace Tulu2.Runs.Output;

/// <summary>A run was stopped on demand.</summary>
/// <param name="what">Where it stands, in lower case and without a full stop.</param>
/// <param name="fix">How it goes on.</param>
internal sealed class RunStoppedException(string what, string fix) : OperationCanceledException(what)
{
    public string Fix { get; } = fix;
}
