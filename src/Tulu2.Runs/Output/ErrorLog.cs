namespace Tulu2.Runs.Output;

/// <summary>Writes the details of unexpected errors to the log file of an output.</summary>
internal static class ErrorLog
{
    /// <summary>Log file of this process while there is no run directory.</summary>
    public static string DefaultFile { get; } = Path.Combine(Path.GetTempPath(), $"tulu2-{Environment.ProcessId}.log");

    /// <summary>The report of an error that ends a command; the details of an unexpected one are logged.</summary>
    public static ErrorReport Report(Exception error, IReadOnlyList<string> arguments, IRunOutput output)
    {
        var report = ErrorReport.Of(error, output.LogFile, output.StopSignal?.Name);
        if (report.Code == ExitCode.Failed && error is not OperationCanceledException) Write(ErrorReport.Details(error, arguments), output);
        return report;
    }

    /// <summary>Logs an error that does not end the command, and returns a line for a person.</summary>
    public static string Write(Exception error, IRunOutput output)
    {
        Write(ErrorReport.Details(error, output.Arguments), output);
        return $"an unexpected error, whose details are in {output.LogFile}";
    }

    private static void Write(string details, IRunOutput output)
    {
        try
        {
            File.AppendAllText(output.LogFile, details);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The report matters more than a second error about the log.
            output.Say(details);
        }
    }
}
