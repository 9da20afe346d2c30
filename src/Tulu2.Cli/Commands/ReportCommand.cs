using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Runs.Output;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary><c>report RUN</c>: makes the run's page again from its files.</summary>
internal sealed class ReportCommand(Terminal terminal)
{
    private readonly Argument<string> _run = CommandBuilder.Argument("RUN", "Run directory");

    public Command Create() => CommandBuilder.Command("report", "Write the report.html of a run", [_run], parsed =>
    {
        var path = ReportMaker.Make(new RunDirectory(parsed.GetValue(_run)!));
        terminal.WriteHuman(path);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { Report = path }));
        return ExitCode.Done;
    });
}
