using System.Globalization;
using Tulu2.Files;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Evaluation.Reporting;

/// <summary>A row of a comparison: a name, and a cell for each run.</summary>
public sealed record ComparisonRow(string Name, IReadOnlyList<string> Cells);

/// <summary>Rows of a comparison that belong together.</summary>
/// <param name="Id">Unique on the page.</param>
/// <param name="Note">What the rows mean.</param>
/// <param name="IsText">Its cells are words rather than numbers.</param>
public sealed record ComparisonTable(string Id, string Heading, string Note, IReadOnlyList<ComparisonRow> Rows, bool IsText = false)
{
    /// <summary>Where a run has no such thing.</summary>
    internal const string None = "–";

    /// <summary>Where it cannot be told any more.</summary>
    private const string Unknown = "unknown";

    /// <summary>All tables of a comparison, in order; without rows that say nothing of any run.</summary>
    public static IReadOnlyList<ComparisonTable> Of(IReadOnlyList<ComparedRun> runs)
    {
        ComparisonTable[] all = [Trained(runs), Loss(runs), Scores(runs), Memory(runs), Time(runs), Settings(runs)];
        var telling = all.Select(table => table with { Rows = [.. table.Rows.Where(row => row.Cells.Any(cell => cell != None))] });
        return [.. telling.Where(table => table.Rows.Count > 0)];
    }

    private static ComparisonTable Trained(IReadOnlyList<ComparedRun> runs) => new("trained", "What was trained", "From each run's recipe and ledger",
    [
        Row("objective", runs, run => OfRecipe(run, recipe => recipe.Objective.ToString().ToLowerInvariant())),
        Row("base model", runs, run => OfRecipe(run, recipe => recipe.Model.Path ?? recipe.Model.Preset ?? Unknown)),
        Row("trained", runs, run => OfRecipe(run, recipe => recipe.Lora is { } lora ? Adapters(lora) : "all parameters")),
        Row("frozen model", runs, run => OfRecipe(run, recipe => recipe.Lora is { } lora ? Frozen(lora, recipe.Precision) : None)),
        Row("parameters", runs, run => Count(run.Parameters)),
        Row("trained parameters", runs, run => run is { TrainedParameters: { } trained, Parameters: { } all }
            ? $"{NumberText.Count(trained)} ({NumberText.Percent((double)trained / all, 2)})" : Unknown),
        Row("precision", runs, run => OfRecipe(run, recipe => recipe.Precision.ToString().ToLowerInvariant())),
        Row("training rows", runs, run => Count(run.Rows)),
        Row("steps", runs, run => NumberText.Count(run.Steps.Count)
            + (run.TotalSteps is { } total && total != run.Steps.Count ? $" of {NumberText.Count(total)}" : "")),
        Row("ranks", runs, run => Count(run.Ranks) + (run.Layout is { } layout ? $" ({layout}, data x tensor x pipeline)" : "")),
        Row("device", runs, run => OfRecipe(run, recipe => recipe.Parallel.Device == ComputeDevice.Cuda ? "GPU" : "processor")),
    ], IsText: true);

    private static ComparisonTable Loss(IReadOnlyList<ComparedRun> runs) => new("loss", "Loss",
        runs.Select(run => run.Recipe?.Objective).Distinct().Count() > 1 ? "The objectives differ: their losses are different quantities"
            : "Loss of a step's rows before its update",
    [
        Row("first step", runs, run => NumberText.Loss(run.Steps[0].Loss)),
        Row("last step", runs, run => NumberText.Loss(run.Steps[^1].Loss)),
        Row("best validation", runs, run => run.BestValidation is { } best
            ? $"{NumberText.Loss(ComparedRun.LossOf(best))} (step {NumberText.Count(best.Step)})" : None),
    ]);

    private static ComparisonTable Scores(IReadOnlyList<ComparedRun> runs)
    {
        var names = runs.SelectMany(run => run.Scores).GroupBy(score => score.Benchmark).SelectMany(benchmark =>
            benchmark.Select(score => (score.Benchmark, score.Dataset)).Distinct().OrderBy(name => name.Dataset, StringComparer.Ordinal));
        var isQuantized = runs.Any(run => run.Recipe?.Lora is { Quantize: Quantization.Nf4 });
        return new("scores", "Scores", "% is the share of correct items"
            + (isQuantized ? ". Adapters are scored beside the model as its files hold it, not in 4 bits unless they do" : ""), [.. names.Select(name =>
        {
            var scores = runs.Select(run => run.Scores.LastOrDefault(score => (score.Benchmark, score.Dataset) == name)).ToList();
            var words = name.Benchmark.Replace('_', ' ') + (name.Dataset.Length == 0 ? "" : $": {name.Dataset}");
            var items = NumberText.Count(scores.Max(score => score?.Items ?? 0), "item");
            return new ComparisonRow($"{words} ({items})", [.. scores.Select(score => score?.Text ?? None)]);
        })]);
    }

    private static ComparisonTable Memory(IReadOnlyList<ComparedRun> runs) => new("memory", "Memory of a rank",
        "Planned: counted for the run's own layout and slots of the longest sequences. In fp32 on a processor the master is also what is computed with"
            + (runs.Any(run => run.MeasuredPeak is not null)
                ? ". Measured: the most resident memory that a rank's process has had, with start-up, program and libraries" : ""),
    [
        Row("frozen model", runs, run => Bytes(run, memory => memory.Frozen)),
        Row("compute weights", runs, run => Bytes(run, ComparedRun.ComputeWeights)),
        Row("fp32 master", runs, run => Bytes(run, memory => memory.Master)),
        Row("moments", runs, run => Bytes(run, memory => memory.Moments)),
        Row("weights and optimizer", runs, run => Bytes(run, _ => run.State!.Value)),
        Row("gradients", runs, run => Bytes(run, ComparedRun.Gradients)),
        Row("activations and all else", runs, run => Bytes(run, memory => memory.Device + memory.Host - run.State!.Value - ComparedRun.Gradients(memory))),
        Row("planned in all", runs, run => Bytes(run, memory => memory.Device + memory.Host)),
        Row("of it in host memory", runs, run => Bytes(run, memory => memory.Host)),
        Row("measured", runs, run => run.MeasuredPeak is { } bytes ? Quantity.Bytes(bytes) : None),
    ]);

    private static ComparisonTable Time(IReadOnlyList<ComparedRun> runs) => new("time", "Time",
        "Of the committed steps; the whole time covers sessions with their start-up, validations and checkpoints",
    [
        Row("time of the steps", runs, run => NumberText.Duration(run.StepSeconds)),
        Row("whole time", runs, run => run.Seconds is { } seconds ? NumberText.Duration(seconds) : Unknown),
        Row("time of a step", runs, run => Quantity.Seconds(run.StepSeconds / run.Steps.Count)),
        Row("tokens", runs, run => NumberText.Count(run.Tokens)),
        Row("tokens/s", runs, run => run.TokensPerSecond is { } speed ? NumberText.Count(speed) : None),
    ]);

    private static ComparisonTable Settings(IReadOnlyList<ComparedRun> runs)
    {
        // Of a run without a recipe nothing is known to differ.
        var settings = runs.Select(run =>
            run.Recipe is null ? null : RecipeSettings.Of(run.Recipe).ToDictionary(setting => setting.Name, setting => setting.Value)).ToList();
        var names = settings.OfType<Dictionary<string, string>>().SelectMany(known => known.Keys).Distinct();
        return new("settings", "Hyperparameters that differ", "Of the recipe keys that decide what is learned; the others are the same",
        [
            .. from name in names
               let values = settings.Select(known => known is null ? Unknown : known.GetValueOrDefault(name, None)).ToList()
               where values.Where((_, run) => settings[run] is not null).Distinct().Count() > 1
               select new ComparisonRow(name, values),
        ], IsText: true);
    }

    private static string Adapters(LoraRecipe lora)
    {
        var targets = lora.Targets is [LoraRecipe.AllTargets] ? "all projections" : string.Join(", ", lora.Targets);
        return string.Create(CultureInfo.InvariantCulture,
            $"adapters of {targets}: rank {lora.Rank}, alpha {lora.Alpha}{(lora.Rslora ? " (rsLoRA)" : "")}, dropout {lora.Dropout}");
    }

    private static string Frozen(LoraRecipe lora, Precision precision) => lora.Quantize == Quantization.Nf4
        ? $"4 bits (nf4{(lora.DoubleQuant ? ", double quantisation" : "")})"
        : precision.ToString().ToLowerInvariant();

    private static ComparisonRow Row(string name, IReadOnlyList<ComparedRun> runs, Func<ComparedRun, string> cell) => new(name, [.. runs.Select(cell)]);

    private static string OfRecipe(ComparedRun run, Func<Recipe, string> text) => run.Recipe is null ? Unknown : text(run.Recipe);

    private static string Count(long? number) => number is { } known ? NumberText.Count(known) : Unknown;

    private static string Bytes(ComparedRun run, Func<RankMemory, long> bytes) => run.Planned is not { } memory ? Unknown
        : bytes(memory) is > 0 and var some ? Quantity.Bytes(some) : None;
}
