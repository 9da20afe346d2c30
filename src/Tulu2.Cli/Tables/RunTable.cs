using Tulu2.Cli.Shell;
using Tulu2.Cluster.Ledger;
using Tulu2.Files;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Tables;

/// <summary>What <c>status RUN</c> prints: the run as its ledger has it, whoever writes it.</summary>
internal static class RunTable
{
    /// <exception cref="BadInputException">There is no ledger, or it was altered.</exception>
    public static void Print(Terminal terminal, RunDirectory directory)
    {
        var run = RunTimes.Of(LedgerReader.Read(directory.Ledger));
        var state = run.Finished is { } finished ? finished.End
            : RunLock.HolderOf(directory.Ledger) is { } holder ? $"under way: {holder}" : "not under way: killed, or its machine was lost; --resume goes on";
        if (terminal.Json)
        {
            terminal.Output.WriteLine(JsonLine.Of(new { Run = directory.Root, State = state, run.Step, Steps = run.TotalSteps, run.Generation, run.Ranks, Time = GoodputText.Json(run) }));
            return;
        }
        terminal.WriteHuman($"run         {directory.Root}");
        terminal.WriteHuman($"state       {state}{(run.Finished?.Error is { } error ? $": {error}" : "")}");
        terminal.WriteHuman($"step        {run.Step} of {run.TotalSteps}");
        terminal.WriteHuman($"generation  {run.Generation}, {NumberText.Count(run.Ranks, "rank")}");
        foreach (var line in GoodputText.Lines(run)) terminal.WriteHuman(line);
    }
}
