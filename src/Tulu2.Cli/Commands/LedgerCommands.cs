using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cluster.Ledger;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary><c>ledger verify RUN</c>: proves that no sample was lost or counted twice.</summary>
internal sealed class LedgerCommands(Terminal terminal)
{
    private readonly Argument<string> _run = CommandBuilder.Argument("RUN", "Run directory");

    public Command Create() => CommandBuilder.Group("ledger", "Check a run's ledger",
        CommandBuilder.Command("verify", "Verify that every step has each slot exactly once and no step is missing, and that the ranks' time is in classes that sum to it; exits with 1 otherwise", [_run], parsed =>
        {
            var verdict = LedgerVerifier.Verify(new RunDirectory(parsed.GetValue(_run)!).Ledger);
            foreach (var line in verdict.Faults.Concat(verdict.Notes)) terminal.Say(line);
            terminal.WriteHuman($"{NumberText.Count(verdict.Entries, "entry", "entries")}, {NumberText.Count(verdict.Steps, "step")}, {NumberText.Count(verdict.Replayed)} replayed, the rows of {NumberText.Count(verdict.StepsWithSamples, "step")}, {NumberText.Count(verdict.Faults.Count, "fault")}");
            if (verdict.Times is { } times) foreach (var line in GoodputText.Lines(times)) terminal.WriteHuman(line);
            if (!terminal.Json) return verdict.IsSound ? ExitCode.Done : ExitCode.Failed;
            var time = verdict.Times is { } known ? GoodputText.Json(known) : null;
            terminal.Output.WriteLine(JsonLine.Of(new { verdict.Entries, verdict.Steps, verdict.Replayed, verdict.StepsWithSamples, verdict.Faults, verdict.Notes, Time = time }));
            return verdict.IsSound ? ExitCode.Done : ExitCode.Failed;
        }));
}
