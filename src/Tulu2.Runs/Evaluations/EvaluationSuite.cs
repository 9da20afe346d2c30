using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Judges;
using Tulu2.Evaluation.Provenance;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Shards;
using Tulu2.Files;
using Tulu2.Protocol.Evaluations;
using Tulu2.Runs.Preparation;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Evaluations;

/// <summary>A benchmark of a recipe, with its data.</summary>
/// <param name="File">Folder or file of its data.</param>
internal sealed record SuiteBenchmark(IBenchmark Benchmark, string File, int Items);

/// <summary>What a recipe's checkpoints are scored on: read and checked before the run starts.</summary>
internal sealed record EvaluationSuite(EvaluationRecipe Recipe, IReadOnlyDictionary<string, SuiteBenchmark> Benchmarks, EvaluatorSettings Settings)
{
    public EvaluationSchedule Schedule => new(Recipe.Quick, Recipe.Every, Recipe.Full, Recipe.FullEvery);

    /// <summary>Null: no benchmark decides which checkpoint is the best.</summary>
    public EvaluationMetric? Metric => Recipe.Metric is { } metric ? new EvaluationMetric(metric, Benchmarks[metric].Benchmark.IsLowerBetter) : null;

    /// <param name="run">The prepared run.</param>
    /// <param name="provenance">What the model is trained on: benchmarks whose answers it sees are left out, and <paramref name="say"/> takes why.</param>
    /// <returns>Null: the recipe has no evaluation.</returns>
    /// <exception cref="BadInputException">There is no such benchmark, its data or its judge is missing, or its items cannot be used.</exception>
    public static EvaluationSuite? Open(LoadedRecipe loaded, PreparedRun run, ModelProvenance provenance, Action<string> say)
    {
        var recipe = run.Recipe.Evaluation;
        if (!recipe.IsOn) return null;
        var settings = SettingsOf(run.Recipe);
        if (run.Model.Config.KeyValueHeads is var heads && recipe.Tensor > heads)
            throw loaded.Fault("evaluation.tensor", $"{recipe.Tensor} is more than the {NumberText.Count(heads, "key-value head")} of the model", $"use at most {heads}");
        var prompts = new PromptEncoder(new ChatEncoder(ChatTokenizer.Of(run.Model.Tokenizer), ChatForm.Default, PositionsOf(run)), run.Model.Tokenizer);
        var judges = new JudgePanel(settings.Judges, settings.Judging);
        var benchmarks = new Dictionary<string, SuiteBenchmark>();
        foreach (var name in recipe.Quick.Union(recipe.Full))
        {
            var key = recipe.Quick.Contains(name) ? "evaluation.quick" : "evaluation.full";
            var benchmark = BenchmarkCatalogue.All.FirstOrDefault(benchmark => benchmark.Name == name)
                ?? throw loaded.Fault(key, $"there is no benchmark '{name}'", $"use some of {string.Join(", ", BenchmarkCatalogue.All.Select(known => known.Name))}");
            foreach (var role in benchmark.Judges)
                if (!recipe.Judges.ContainsKey(role))
                    throw loaded.Fault("evaluation.judges", $"{name} needs a judge for {role}, but none is named", $"give evaluation.judges: {{ {role}: ... }}, or leave {name} out");
            if (Contamination.Reason(benchmark, provenance) is { } why)
            {
                say($"{name} is left out: {why}");
                continue;
            }
            var file = DataOf(loaded, recipe, key, benchmark);
            try
            {
                judges.Require(name, benchmark.Judges);
                var input = new BenchmarkInput(file, settings.Options, prompts.Chat) { Prompts = prompts };
                var read = benchmark.ReadWithin(input);
                foreach (var line in RowFaultLines.Of(read.LeftOut, $"{name}: left out: ")) say(line);
                foreach (var remark in benchmark.Remarks(input, read.Items)) say(remark);
                benchmarks.Add(name, new SuiteBenchmark(benchmark, file, read.Items.Count));
            }
            catch (BadInputException bad)
            {
                throw loaded.Fault(key, $"{name}: {bad.Where}: {bad.What}", bad.Fix);
            }
        }
        if (recipe.Metric is { } metric && !benchmarks.ContainsKey(metric))
            throw loaded.Fault("evaluation.metric", $"{metric} is left out", "use another benchmark, or leave the key out");
        var left = recipe with { Quick = [.. recipe.Quick.Where(benchmarks.ContainsKey)], Full = [.. recipe.Full.Where(benchmarks.ContainsKey)] };
        return benchmarks.Count == 0 ? null : new EvaluationSuite(left, benchmarks, settings);
    }

    private static EvaluatorSettings SettingsOf(Recipe recipe)
    {
        var evaluation = recipe.Evaluation;
        return EvaluatorSettings.Default with
        {
            Options = new BenchmarkOptions(SkipLong: true)
            {
                Mode = evaluation.Mode == BenchmarkForm.Parity ? EvaluationMode.Parity : EvaluationMode.Fixed,
                Limit = evaluation.Limit,
            },
            Shards = new ShardPlan { Count = evaluation.Tensor },
            Judges = evaluation.Judges,
            JudgeCache = evaluation.Judges.Count > 0 ? Path.Combine(CacheDirectory.Of(recipe.Data.Cache), "verdicts") : null,
        };
    }

    private static string DataOf(LoadedRecipe loaded, EvaluationRecipe recipe, string key, IBenchmark benchmark)
    {
        if (benchmark.Folder is not { } folder)
        {
            if (!recipe.Rows.TryGetValue(benchmark.Name, out var rows))
                throw loaded.Fault("evaluation.rows", $"{benchmark.Name} is scored on a file of rows, but none is named", $"give evaluation.rows: {{ {benchmark.Name}: FILE }}");
            return File.Exists(rows) ? rows : throw loaded.Fault("evaluation.rows", $"there is no {rows}", "name a file of rows");
        }
        if (recipe.Data is not { } root) throw loaded.Fault("evaluation.data", $"{benchmark.Name} needs task data, but no directory is named", "give evaluation.data: ROOT");
        var data = Path.Combine(root, folder);
        return Directory.Exists(data) ? data : throw loaded.Fault("evaluation.data", $"there is no {data}, the data of {benchmark.Name}", $"put it there, or leave {benchmark.Name} out of {key}");
    }

    // As the folder of a checkpoint has it: see ModelExport.
    private static int PositionsOf(PreparedRun run) =>
        run.Recipe is { Lora: not null, Model.Path: not null } ? run.Model.Config.MaxPositions : Math.Max(run.Model.Config.MaxPositions, run.Recipe.Data.MaxLength);
}
