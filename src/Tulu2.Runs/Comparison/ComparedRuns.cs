using Tulu2.Cluster.Ledger;
using Tulu2.Collectives.Layout;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Tulu2.Runs.LayoutPlans;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Comparison;

/// <summary>Reads what a comparison tells of runs, from their directories.</summary>
internal static class ComparedRuns
{
    /// <param name="paths">Run directories, as they were given.</param>
    /// <exception cref="BadInputException">One is no run, or named twice, or there are too many to tell apart.</exception>
    public static IReadOnlyList<ComparedRun> Read(IReadOnlyList<string> paths)
    {
        if (paths.Count > ComparisonPage.MostRuns)
            throw new BadInputException(paths[ComparisonPage.MostRuns], $"is one run too many: a page compares {ComparisonPage.MostRuns} at most",
                "compare fewer at a time");
        var runs = paths.Select(path => new RunDirectory(path)).ToList();
        var seen = new HashSet<string>();
        foreach (var run in runs)
        {
            Check(run);
            if (!seen.Add(RealPath(run.Root))) throw new BadInputException(run.Root, "is named twice", "name directories of different runs");
        }
        var areNamesUnique = runs.Select(run => run.Name).Distinct().Count() == runs.Count;
        return [.. runs.Zip(paths, (run, path) => Read(run, areNamesUnique ? run.Name : path))];
    }

    private static void Check(RunDirectory run)
    {
        if (!Directory.Exists(run.Root)) throw new BadInputException(run.Root, "there is no such directory", "name the directory of a run");
        if (File.Exists(run.Metrics)) return;
        throw ReportMaker.HasStages(run)
            ? new BadInputException(run.Root, "is not one run: it has stages, which are", $"name them, such as {Path.Combine(run.Root, "sft")}")
            : new BadInputException(run.Root, "is not a run: it contains no metrics.jsonl", "name the directory of a run that has committed a step");
    }

    private static string RealPath(string directory) => Directory.ResolveLinkTarget(directory, returnFinalTarget: true)?.FullName ?? directory;

    private static ComparedRun Read(RunDirectory run, string name)
    {
        var steps = MetricsFile.Read(run.Metrics);
        if (steps.Count == 0) throw new BadInputException(run.Root, "is a run that has committed no step", "compare it when it has");
        var entries = LedgerReader.ReadSound(run.Ledger);
        var (loaded, notes, sessions) = (ReportMaker.RecipeOf(run), ReportNotes.Read(run), RunHistory.Sessions(entries));
        var layout = loaded is not null && sessions is [.., { Ranks: > 0 } last] ? LayoutOf(loaded.Recipe.Parallel, last.Ranks) : null;
        var told = new ComparedRun(name, run.Root, steps)
        {
            Recipe = loaded?.Recipe,
            Rows = notes.Files?.Sum(file => file.Rows),
            TotalSteps = TotalSteps(entries),
            Ranks = sessions.Count > 0 ? sessions[^1].Ranks : null,
            Layout = layout?.ToString(),
            MeasuredPeak = PeakMemory.Most(run),
            Seconds = sessions.Count > 0 ? sessions.Sum(session => session.Seconds) : null,
            Validations = MetricsFile.ReadValidations(run.Validations),
            Scores = [.. notes.Scores, .. ScoresBeside(run)],
        };
        return loaded is null || RunShape.Of(loaded, run) is not { } shape ? told : told with
        {
            Parameters = shape.ParameterCount,
            TrainedParameters = RunShape.Trained(loaded.Recipe, shape),
            Planned = layout is not null ? RunShape.Plan(loaded.Recipe, shape, layout) : null,
        };
    }

    private static int? TotalSteps(IReadOnlyList<LedgerEntry> entries) => entries.Select(entry => entry.Event switch
    {
        LedgerEvent.RunStarted started => started.TotalSteps,
        LedgerEvent.RunResumed resumed => resumed.TotalSteps,
        _ => (int?)null,
    }).LastOrDefault(steps => steps is not null);

    // The recipe may leave the number of replicas open.
    private static ParallelLayout? LayoutOf(ParallelRecipe parallel, int ranks) => ranks % (parallel.Tensor * parallel.Pipeline) != 0 ? null
        : new ParallelLayout(ranks / (parallel.Tensor * parallel.Pipeline), parallel.Tensor, parallel.Pipeline, parallel.Zero);

    // Scores of a training stage are with those of the others, in the directory around them.
    private static IEnumerable<ReportScore> ScoresBeside(RunDirectory run) =>
        Path.GetDirectoryName(run.Root) is { } around && ReportMaker.HasStages(new RunDirectory(around))
            ? ReportNotes.Read(new RunDirectory(around)).Scores.Where(score => score.Model == run.Name) : [];
}
