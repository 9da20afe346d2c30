using Tulu2.Cli.Training;
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
        var stages = Stages(run).Select(stage => new ReportStage(stage.Name, MetricsFile.Read(stage.Metrics), Seconds(notes, stage.Name))).ToList();
        if (stages.Count == 0) throw new BadInputException(run.Root, "holds no metrics.jsonl", "name the directory of a run that has committed a step");
        return RunReport.Write(run.Root, new ReportInput
        {
            Title = notes.Title,
            Facts = notes.Facts,
            Stages = stages,
            Scores = notes.Scores,
            Samples = notes.Samples,
            TokenLengths = notes.TokenLengths,
        });
    }

    private static double? Seconds(ReportNotes notes, string stage) => notes.WallSeconds.TryGetValue(stage, out var seconds) ? seconds : null;

    private static IEnumerable<(string Name, string Metrics)> Stages(RunDirectory run)
    {
        if (File.Exists(run.Metrics)) yield return (Path.GetFileName(run.Root), run.Metrics);
        foreach (var name in StageFolders)
            if (new RunDirectory(Path.Combine(run.Root, name)) is var stage && File.Exists(stage.Metrics))
                yield return (name, stage.Metrics);
    }
}
