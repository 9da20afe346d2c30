using Tulu2.Cluster.Ledger;
using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Reporting.Evaluations;
using Tulu2.Evaluation.Resampling;
using Tulu2.Evaluation.Summaries;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Reports;

/// <summary>Makes <c>report.html</c> of a run directory: of one run, or of a demo, whose stages are runs in subdirectories.</summary>
internal static class ReportMaker
{
    /// <summary>Names of the folders of the stages, in order.</summary>
    public static readonly string[] StageFolders = ["sft", "dpo"];

    /// <summary>The directory holds runs in subdirectories, such as a demo's.</summary>
    public static bool HasStages(RunDirectory run) => Stages(run).Any(stage => stage.Run.Root != run.Root);

    /// <returns>Path of the page.</returns>
    /// <exception cref="BadInputException">The directory contains no run that has committed a step.</exception>
    public static string Make(RunDirectory run) => Make(run, run.Report, EvaluationsOf(run));

    /// <param name="path">Where the page goes.</param>
    /// <param name="evaluations">Parts that show the run's evaluations; null: it has none.</param>
    public static string Make(RunDirectory run, string path, PageParts? evaluations)
    {
        var notes = ReportNotes.Read(run);
        var runs = Stages(run).ToList();
        if (runs.Count == 0) throw new BadInputException(run.Root, "contains no metrics.jsonl", "name the directory of a run that has committed a step");
        var ledgers = runs.Select(stage => (stage.Name, Entries: LedgerReader.ReadSound(stage.Run.Ledger))).ToList();
        AtomicFile.WriteAllText(path, RunReport.Render(new ReportInput
        {
            Title = notes.Title,
            // A single run has its facts as a stage.
            Facts = runs is [var only] && only.Run.Root == run.Root ? [] : notes.Facts,
            Stages = [.. runs.Zip(ledgers, (stage, ledger) => Stage(stage.Name, stage.Run, notes, ledger.Entries))],
            Scores = notes.Scores,
            Samples = notes.Samples,
            TokenLengths = notes.TokenLengths,
            RankTimes = [.. ledgers.Select(ledger => RunHistory.RankTimes(ledger.Name, ledger.Entries))],
            Goodput = [.. ledgers.Select(ledger => GoodputText.Report(ledger.Name, RunTimes.Of(ledger.Entries))).OfType<ReportGoodput>()],
            Failures = [.. ledgers.SelectMany(ledger => RunHistory.Failures(ledger.Name, ledger.Entries))],
            Evaluations = evaluations,
        }));
        return path;
    }

    private static PageParts? EvaluationsOf(RunDirectory run) => EvaluatedModels.Read([run.Root], []) is { Count: > 0 } models
        ? EvaluationPage.Parts(EvaluationSummary.Of(models, new Bootstrap())) : null;

    /// <summary>Makes the page of a run that does not fail if it cannot be made, after keeping its notes.</summary>
    public static void TryMake(IRunOutput output, RunDirectory run, ReportNotes? notes = null) =>
        Try(output, $"there is no report; `tulu2 report {run.Root}` tries again", () =>
        {
            notes?.Write(run);
            Make(run);
        });

    /// <summary>Makes a part of a report that nothing else depends on. If it fails, <paramref name="without"/> and the cause are printed.</summary>
    public static void Try(IRunOutput output, string without, Action make)
    {
        try
        {
            make();
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            var why = fault is BadInputException or ArithmeticException or IOException ? FaultText.Of(fault) : ErrorLog.Write(fault, output);
            output.Say($"{without}: {why}");
        }
    }

    private static ReportStage Stage(string name, RunDirectory run, ReportNotes whole, IReadOnlyList<LedgerEntry> entries)
    {
        var notes = ReportNotes.Read(run);
        var recipe = RecipeOf(run)?.Recipe;
        return new ReportStage(name, MetricsFile.Read(run.Metrics), whole.WallSeconds.TryGetValue(name, out var seconds) ? seconds : null)
        {
            Facts = [.. notes.Facts, .. RunHistory.Facts(entries)],
            Settings = recipe is null ? [] : [.. RecipeSettings.Of(recipe).Select(setting => new ReportFact(setting.Name, setting.Value))],
            Recipe = recipe is null ? null : RecipeWriter.Write(recipe),
            Files = notes.Files ?? [],
            Validations = MetricsFile.ReadValidations(run.Validations),
            Sessions = RunHistory.Sessions(entries),
        };
    }

    /// <summary>The recipe of a run; null: it is missing, or was damaged since, which only costs the report a table.</summary>
    public static LoadedRecipe? RecipeOf(RunDirectory run)
    {
        try
        {
            return RecipeReader.Load(run.Recipe, []);
        }
        catch (Exception error) when (error is BadInputException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static IEnumerable<(string Name, RunDirectory Run)> Stages(RunDirectory run)
    {
        if (File.Exists(run.Metrics)) yield return (run.Name, run);
        foreach (var name in StageFolders)
            if (new RunDirectory(Path.Combine(run.Root, name)) is var stage && File.Exists(stage.Metrics))
                yield return (name, stage);
    }
}
