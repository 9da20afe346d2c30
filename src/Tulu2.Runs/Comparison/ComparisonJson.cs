using Tulu2.Evaluation.Reporting;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Comparison;

/// <summary>A comparison as JSON: bytes, seconds, shares; null where something cannot be told.</summary>
internal static class ComparisonJson
{
    /// <param name="evaluation">What was evaluated of the runs, as JSON; null: nothing.</param>
    public static object Of(string page, IReadOnlyList<ComparedRun> runs, object? evaluation = null) => new { Report = page, Runs = runs.Select(Run), Evaluation = evaluation };

    private static object Run(ComparedRun run) => new
    {
        run.Name,
        run.Directory,
        Objective = run.Recipe?.Objective.ToString().ToLowerInvariant(),
        Model = run.Recipe?.Model.Path ?? run.Recipe?.Model.Preset,
        Adapters = run.Recipe?.Lora is { } lora ? Adapters(lora) : null,
        run.Parameters,
        run.TrainedParameters,
        Precision = run.Recipe?.Precision.ToString().ToLowerInvariant(),
        run.Rows,
        Steps = run.Steps.Count,
        run.TotalSteps,
        run.Ranks,
        LossFirst = run.Steps[0].Loss,
        LossLast = run.Steps[^1].Loss,
        BestValidation = run.BestValidation is { } best ? new { best.Step, Loss = ComparedRun.LossOf(best) } : null,
        Memory = run.Planned is { } memory ? Memory(run, memory) : null,
        MeasuredBytes = run.MeasuredPeak,
        run.StepSeconds,
        run.Seconds,
        run.Tokens,
        run.TokensPerSecond,
        Scores = run.Scores.Select(score => new { score.Benchmark, score.Dataset, score.Items, Score = score.Value }),
    };

    private static object Adapters(LoraRecipe lora) => new
    {
        lora.Rank,
        lora.Alpha,
        lora.Rslora,
        lora.Dropout,
        lora.Targets,
        Quantize = lora.Quantize.ToString().ToLowerInvariant(),
    };

    private static object Memory(ComparedRun run, RankMemory memory) => new
    {
        memory.Frozen,
        ComputeWeights = ComparedRun.ComputeWeights(memory),
        memory.Master,
        memory.Moments,
        WeightsAndOptimizer = run.State,
        Gradients = ComparedRun.Gradients(memory),
        PlannedBytes = memory.Device + memory.Host,
        HostBytes = memory.Host,
    };
}
