using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.LayoutPlans;

/// <summary>The shape of a run's model, and what follows from it: numbers of parameters, memory of a rank. Reads no weights.</summary>
internal static class RunShape
{
    private const string ConfigFile = "config.json";

    /// <summary>From where the recipe says that the model lies, else from what the run has exported; null: neither can be read any more.</summary>
    public static ModelConfig? Of(LoadedRecipe loaded, RunDirectory run)
    {
        IEnumerable<Func<ModelConfig?>> places =
            [() => ModelSource.Open(loaded).Config, () => Exported(run.FinalExport), () => Exported(run.BaseExport), () => BesideAdapters(run.FinalExport)];
        return places.Select(Try).FirstOrDefault(config => config is not null);
    }

    /// <summary>Number of parameters that the recipe trains.</summary>
    public static long Trained(Recipe recipe, ModelConfig config) =>
        RunParameters.Of(recipe, config, Shards(recipe, config)).Trained.ParameterCount;

    /// <summary>Memory of a rank of the stage that needs most; null: the model cannot be cut so, and is another one by now.</summary>
    public static RankMemory? Plan(Recipe recipe, ModelConfig config, ParallelLayout layout) => Layout(recipe, config, layout).Memory;

    /// <summary>The layout as if there were any amount of memory.</summary>
    /// <param name="segments">Rows of the segments of the largest slot; null: the largest possible one.</param>
    public static PlannedLayout Layout(Recipe recipe, ModelConfig config, ParallelLayout layout, IReadOnlyList<int>? segments = null)
    {
        // Of the rates only the kind of device matters for memory.
        var rates = recipe.Parallel.Device == ComputeDevice.Cuda ? DeviceRates.AssumedGpu(recipe.Precision) : DeviceRates.Processor(0, 1);
        rates = rates with { MemoryBytes = long.MaxValue, HostBytes = long.MaxValue };
        var shards = Shards(recipe, config);
        var request = new PlanRequest(config, recipe, shards, MayChangeShards: false, layout.Size, recipe.Data.MaxLength, rates) { Segments = segments };
        return new LayoutSearch(request)
            .Evaluate(shards, layout.Data, layout.Tensor, layout.Pipeline, layout.Zero, recipe.Model.Recompute, recipe.Parallel.SplitActivations);
    }

    private static int Shards(Recipe recipe, ModelConfig config) => ParameterMap.LargestVirtualShards(config, recipe.Parallel.VirtualShards);

    private static ModelConfig? Exported(string directory) => File.Exists(Path.Combine(directory, ConfigFile)) ? HuggingFaceModel.ReadConfig(directory) : null;

    private static ModelConfig? BesideAdapters(string directory)
    {
        if (!AdapterFolder.Is(directory)) return null;
        using var folder = AdapterFolder.Open(directory);
        return folder.Base is { } model ? Exported(model) : null;
    }

    private static ModelConfig? Try(Func<ModelConfig?> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is BadInputException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
