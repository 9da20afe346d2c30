using System.Text;
using Tulu2.Files;
using Tulu2.Hub;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Runs.Output;

/// <summary>The report of an error that ends a command: one block for a person, and the exit code.</summary>
internal sealed record ErrorReport(int Code, string Block)
{
    private const string Where = "error: ", Fix = "  fix: ";

    /// <summary>Classifies <paramref name="error"/>. Pure; the caller prints and logs.</summary>
    /// <param name="signal">Signal that stopped the command; null: none did.</param>
    public static ErrorReport Of(Exception error, string logFile, string? signal = null)
    {
        var cause = Innermost(error);
        return cause switch
        {
            BadInputException bad => BadInput(bad.Where, bad.What, bad.Fix),
            NonFiniteException number => new ErrorReport(ExitCode.Failed, Format(number.Where, number.What, number.Fix)),
            HubException hub => new ErrorReport(ExitCode.Failed, Format(hub.Where, hub.What, hub.Fix)),
            RunStoppedException stopped => new ErrorReport(ExitCode.Failed, Format("stopped", stopped.Message, stopped.Fix)),
            OperationCanceledException =>
                new ErrorReport(ExitCode.Failed, Format("stopped", $"the command was interrupted{(signal is null ? "" : $" by {signal}")}", "start it again")),
            _ when DiskFault.AsBadInput(cause) is { } disk => BadInput(disk.Where, disk.What, disk.Fix),
            RunFailedException { Fix: { } fix } failed => new ErrorReport(ExitCode.Failed, Format("failed", failed.Message, fix)),
            UnauthorizedAccessException denied => BadInput(FaultText.PathIn(denied) ?? "permissions", FaultText.Of(denied), "choose a directory that you may write, or correct its permissions"),
            FileNotFoundException missing => BadInput(missing.FileName ?? "file", "there is no such file", "check the path"),
            DirectoryNotFoundException => BadInput("directory", "a directory on the way to a file is not there", "check the paths"),
            _ => new ErrorReport(ExitCode.Failed, Format(FaultText.PathIn(cause) ?? "failed", FaultText.Of(cause), $"details are in {logFile}; `--verbose` prints them")),
        };
    }

    /// <summary>Command line, stack trace and details of an error, for the log file.</summary>
    public static string Details(Exception error, IReadOnlyList<string> arguments) =>
        $"tulu2 {string.Join(' ', arguments)}{Environment.NewLine}{(error as RunFailedException)?.Detail}{Environment.NewLine}{error}{Environment.NewLine}";

    /// <summary>The bad input that another process of this program reported in its last lines; null: it reported none.</summary>
    public static BadInputException? Read(IReadOnlyList<string> lines)
    {
        var first = lines.ToList().FindLastIndex(line => line.StartsWith(Where, StringComparison.Ordinal));
        var last = lines.ToList().FindLastIndex(line => line.StartsWith(Fix, StringComparison.Ordinal));
        return first < 0 || last <= first ? null
            : new BadInputException(lines[first][Where.Length..], string.Join('\n', lines.Skip(first + 1).Take(last - first - 1).Select(line => line.Trim())), lines[last][Fix.Length..]);
    }

    private static ErrorReport BadInput(string where, string what, string fix) => new(ExitCode.BadInput, Format(where, what, fix));

    private static string Format(string where, string what, string fix)
    {
        var block = new StringBuilder($"{Where}{where}");
        foreach (var line in what.ReplaceLineEndings("\n").Replace('\t', ' ').Split('\n', StringSplitOptions.RemoveEmptyEntries)) block.Append($"\n       {line}");
        return block.Append($"\n{Fix}{fix}").ToString();
    }

    // Tasks and reflection wrap the exception that the user can use.
    private static Exception Innermost(Exception error) => error switch
    {
        BadInputException => error,
        AggregateException { InnerExceptions: [var only] } => Innermost(only),
        System.Reflection.TargetInvocationException { InnerException: { } inner } => Innermost(inner),
        TypeInitializationException { InnerException: { } inner } => Innermost(inner),
        _ => error,
    };
}
