using Tulu2.Data.Demo;
using Tulu2.Files;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Demo;

/// <summary>The demo's two recipes, written to files so that its stages can be run by hand.</summary>
/// <param name="Sft">Path of the SFT recipe.</param>
/// <param name="Dpo">Path of the DPO recipe.</param>
internal sealed record DemoRecipes(string Sft, string Dpo)
{
    public static DemoRecipes Write(RunDirectory directory, DemoFiles data, DemoSettings settings)
    {
        var paths = new DemoRecipes(Path.Combine(directory.Root, "sft.yaml"), Path.Combine(directory.Root, "dpo.yaml"));
        AtomicFile.WriteAllText(paths.Sft, RecipeWriter.Write(SftOf(directory, data, settings)));
        AtomicFile.WriteAllText(paths.Dpo, RecipeWriter.Write(DpoOf(directory, data, settings)));
        return paths;
    }

    // The runs are over before a spare worker would be worth the time that it takes to start.
    private static ParallelRecipe ParallelOf(DemoSettings settings) => new() { Data = settings.Ranks, Spares = 0 };

    private static Recipe SftOf(RunDirectory directory, DemoFiles data, DemoSettings settings) => new()
    {
        Model = new ModelRecipe { Preset = settings.Preset, Tokenizer = Path.Combine(directory.Root, "tokenizer") },
        Data = new DataRecipe { Train = [data.SftTrain], MaxLength = settings.MaxLength, Cache = Path.Combine(directory.Root, "cache") },
        Batch = new BatchRecipe { Global = settings.SftGlobal, Slot = settings.SftSlot },
        Steps = settings.SftSteps,
        Optimizer = new OptimizerRecipe { LearningRate = settings.SftLearningRate },
        Precision = settings.Precision,
        Parallel = ParallelOf(settings),
        Checkpoint = new CheckpointRecipe { Every = settings.CheckpointEvery, Keep = 2 },
        Seed = settings.Seed,
    };

    private static Recipe DpoOf(RunDirectory directory, DemoFiles data, DemoSettings settings) => new()
    {
        Objective = Objective.Dpo,
        Model = new ModelRecipe { Path = new RunDirectory(Path.Combine(directory.Root, "sft")).FinalExport },
        Data = new DataRecipe { Train = [data.DpoTrain], MaxLength = settings.MaxLength, Cache = Path.Combine(directory.Root, "cache") },
        Batch = new BatchRecipe { Global = settings.DpoGlobal, Slot = settings.DpoSlot },
        Epochs = settings.DpoEpochs,
        Optimizer = new OptimizerRecipe { LearningRate = settings.DpoLearningRate },
        Schedule = new ScheduleRecipe { Warmup = 0.1 },
        Dpo = new DpoRecipe { Beta = settings.DpoBeta },
        Precision = settings.Precision,
        Parallel = ParallelOf(settings),
        Checkpoint = new CheckpointRecipe { Every = settings.CheckpointEvery, Keep = 2 },
        Seed = settings.Seed,
    };
}
