using System.Globalization;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Runs.Evaluations;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Objectives;

namespace Tulu2.Runs.Execution;

/// <summary>A summary of the run in a few lines, printed before its first step.</summary>
internal static class RunBanner
{
    public static IEnumerable<string> Lines(string title, PreparedRun run, EvaluationSuite? suite, RankHosting hosting, RunDirectory directory)
    {
        var (recipe, batches, tokens) = (run.Recipe, run.Batches, run.Data.TokenCount);
        var rows = ObjectiveCatalog.Of(recipe.Objective).ItemName;
        yield return $"{title}: {recipe.Objective.ToString().ToUpperInvariant()} of {run.Named.Model.Path ?? recipe.Model.Preset}";
        yield return Line($"  parameters  {run.Model.Config.ParameterCount:N0}, {recipe.Precision.ToString().ToLowerInvariant()}");
        if (recipe.Lora is { } lora) yield return Line($"  adapters    {run.Parameters.Trained.ParameterCount:N0} parameters, rank {lora.Rank}, of {string.Join(", ", lora.Targets)}");
        yield return Line($"  {rows + "s",-10}  {batches.Items:N0}, {tokens:N0} tokens a pass");
        if (run.Validation is { } validation)
            yield return Line($"  validation  {NumberText.Count(validation.Items, rows)}, every {NumberText.Count(validation.Rules.Every, "step")}, by {validation.Rules.Metric}");
        if (suite is not null) yield return $"  evaluation  {SuiteText(suite)}";
        yield return Line($"  steps       {batches.TotalSteps:N0}, {Passes(batches)}");
        yield return Line($"  a step      {NumberText.Count(recipe.Batch.Global, rows)}, about {TokensAStep(tokens, batches.Items, recipe.Batch.Global):N0} tokens");
        yield return Line($"  ranks       {run.Parallel.Size:N0} {HostingText(hosting, run.Parallel.Size)}: {run.Parallel} (data x tensor x pipeline)");
        yield return $"  run         {directory.Root}";
    }

    /// <summary>Mean tokens per step.</summary>
    public static double TokensAStep(long tokens, int items, int global) => (double)tokens / items * global;

    private static string SuiteText(EvaluationSuite suite)
    {
        var recipe = suite.Recipe;
        string[] parts = [Part(recipe.Quick, recipe.Every), Part(recipe.Full, recipe.FullEvery), recipe.Metric is { } metric ? $"the best by {metric}" : ""];
        return string.Join("; ", parts.Where(part => part.Length > 0));

        static string Part(IReadOnlyList<string> names, int every) =>
            names.Count == 0 ? "" : $"{string.Join(", ", names)}, {(every == 0 ? "at the end" : $"every {NumberText.Count(every, "step")}")}";
    }

    private static string Passes(BatchPlan batches)
    {
        var passes = (double)batches.TotalSteps / batches.StepsPerEpoch;
        return Line($"{batches.StepsPerEpoch:N0} an epoch: {passes:0.##} {(passes == 1 ? "epoch" : "epochs")}");
    }

    private static string HostingText(RankHosting hosting, int ranks)
    {
        var process = ranks == 1 ? "process" : "processes";
        return hosting switch
        {
            RankHosting.Threads => ranks == 1 ? "thread" : "threads",
            RankHosting.Nodes => $"{process} on the cluster's nodes",
            _ => process,
        };
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
