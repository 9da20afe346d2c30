namespace Tulu2.Runs.Output;

/// <summary>Exit codes of the process.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    /// <summary>Bad usage or bad input: the message names the file, the line or key, and the fix.</summary>
    public const int BadInput = 2;
}
