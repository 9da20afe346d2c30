using Tulu2.Checkpoints;
using Tulu2.Evaluation.Reporting;
using Tulu2.Protocol.Evaluations;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;
using Tulu2.Runs.Evaluations;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Runs.Execution;

/// <summary>The model of a run's best validation, or of its best evaluation.</summary>
/// <param name="Step">The step whose parameters it has.</param>
/// <param name="Metric">What it was chosen by.</param>
/// <param name="Export">Its directory; null: its checkpoint was not kept.</param>
internal sealed record BestModel(int Step, string Metric, double Value, string? Export)
{
    /// <summary>Exports the checkpoint of the best validation as <c>exports/best</c>; a link to <c>exports/final</c> where that is the same model.</summary>
    /// <returns>Null: the run has no validation with a finite value.</returns>
    public static BestModel? Find(PreparedRun run, IEnumerable<ValidationRecord> validations, int lastStep, CheckpointStore store, RunDirectory directory, Action<string> say)
    {
        Unlink(directory);
        if (run.Validation is not { Rules: var rules }) return null;
        var history = ValidationHistory.Empty;
        foreach (var validation in validations)
            if (validation.Values.Find(rules.Metric) is { } value) history = history.With(new StepNumber(validation.Step), value);
        if (history.At(new StepNumber(lastStep), rules).Best is not { } best) return null;
        var export = rules.KeepBest ? Write(run, best, "validation", lastStep, store, directory, say) : null;
        return new BestModel(best, rules.Metric, history.Find(best)!.Value, export);
    }

    /// <summary>Exports the checkpoint that the metric of the recipe's evaluation chooses, as <see cref="Find"/> does for a validation's.</summary>
    /// <returns>Null: the recipe names no metric, or nothing is scored by it.</returns>
    public static BestModel? Evaluated(PreparedRun run, EvaluationMetric? metric, int lastStep, CheckpointStore store, RunDirectory directory, Action<string> say)
    {
        if (metric is null || metric.Best(RunEvaluations.Scores(directory, metric.Benchmark).Where(scored => scored.Step <= lastStep)) is not { } best) return null;
        Unlink(directory);
        var export = run.Recipe.Evaluation.KeepBest ? Write(run, new StepNumber(best.Step), "evaluation", lastStep, store, directory, say) : null;
        return new BestModel(best.Step, metric.Benchmark, best.Score, export);
    }

    // A link leads to the run's last model, which is another one now. It is removed, never followed.
    private static void Unlink(RunDirectory directory)
    {
        if (new DirectoryInfo(directory.BestExport).LinkTarget is not null) File.Delete(directory.BestExport);
    }

    private static string? Write(PreparedRun run, StepNumber best, string what, int lastStep, CheckpointStore store, RunDirectory directory, Action<string> say)
    {
        var path = directory.BestExport;
        if (best == lastStep)
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
            Directory.CreateSymbolicLink(path, Path.GetFileName(directory.FinalExport));
            return path;
        }
        if (store.ManifestOf(best) is not { } manifest)
        {
            say($"{path} is not made: the checkpoint of step {best}, the best {what}, is not there{(Directory.Exists(path) ? "; the model there is an earlier one" : "")}");
            return null;
        }
        ModelExport.FromCheckpoint(store, store.Read(manifest), run.Model, run.Recipe, directory, ModelExport.TypeOf(run.Recipe.Precision), path);
        return path;
    }
}
