using Tulu2.Cli.Shell;
using Tulu2.Cli.Training;
using Tulu2.Cluster.Ledger;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;

namespace Tulu2.Cli.Reports;

/// <summary>Makes <c>report.html</c> of a run directory: of one run, or of the stages of a demo that lie in it as runs of their own.</summary>
internal static class ReportMaker
{
    /// <summary>Names of the folders that are stages, in their order.</summary>
    private static readonly string[] StageFolders = ["sft", "dpo"];

    /// <returns>Path of the page.</returns>
    /// <exception cref="BadInputException">The directory holds no run that has committed a step.</exception>
    public static string Make(RunDirectory run)
    {
        var notes = ReportNotes.Read(run);
        var runs = Stages(run).ToList();
        if (runs.Count == 0) throw new BadInputException(run.Root, "holds no metrics.jsonl", "name the directory of a run that has committed a step");
        var ledgers = runs.Select(stage => (stage.Name, Entries: Ledger(stage.Run))).ToList();
        return RunReport.Write(run.Root, new ReportInput
        {
            Title = notes.Title,
            Facts = notes.Facts,
            Stages = [.. runs.Select(stage => new ReportStage(stage.Name, MetricsFile.Read(stage.Run.Metrics), Seconds(notes, stage.Name)))],
            Scores = notes.Scores,
            Samples = notes.Samples,
            TokenLengths = notes.TokenLengths,
            RankTimes = [.. ledgers.Select(ledger => RunHistory.RankTimes(ledger.Name, ledger.Entries))],
            Failures = [.. ledgers.SelectMany(ledger => RunHistory.Failures(ledger.Name, ledger.Entries))],
        });
    }

    /// <summary>Does a part of a report that nothing else hangs on. Where it cannot be done, <paramref name="without"/> and the cause are said.</summary>
    public static void Try(Terminal terminal, string without, Action make)
    {
        try
        {
            make();
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            var why = fault is BadInputException or ArithmeticException or IOException ? fault.Message : CommandLine.Log(fault, terminal);
            terminal.Say($"{without}: {why}");
        }
    }

    private static double? Seconds(ReportNotes notes, string stage) => notes.WallSeconds.TryGetValue(stage, out var seconds) ? seconds : null;

    private static IReadOnlyList<LedgerEntry> Ledger(RunDirectory run) =>
        File.Exists(Path.Combine(run.Ledger, LedgerReader.FileName)) ? LedgerReader.Read(run.Ledger) : [];

    private static IEnumerable<(string Name, RunDirectory Run)> Stages(RunDirectory run)
    {
        if (File.Exists(run.Metrics)) yield return (Path.GetFileName(run.Root), run);
        foreach (var name in StageFolders)
            if (new RunDirectory(Path.Combine(run.Root, name)) is var stage && File.Exists(stage.Metrics))
                yield return (name, stage);
    }
}
