using System.Text.RegularExpressions;
using Tulu2.Files;
using Tulu2.Hub;
using Tulu2.Hub.Selection;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Runs.Preparation;
using Tulu2.Training.Benchmarks;
using Tulu2.Training.Hosting;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.LayoutPlans;

/// <summary>Makes a plan request from a recipe and flags. Reads neither weights nor data; of a model directory only config.json.</summary>
internal static partial class PlanInput
{
    private static readonly string[] LayoutKeys = ["parallel.data", "parallel.tensor", "parallel.pipeline", "parallel.zero"];

    /// <exception cref="BadInputException">A flag or key that cannot be used, or a model without a known shape.</exception>
    public static PlanRequest Read(LoadedRecipe loaded, PlanFlags flags, Action<string> say)
    {
        var recipe = RecipeProfiles.Apply(loaded.Recipe, loaded.Given);
        var config = Config(loaded.With(recipe), flags.Model, say);
        var device = DeviceOf(recipe.Parallel, flags.Device);
        var ranks = flags.Ranks ?? Size(recipe.Parallel);
        var perNode = Positive("--ranks-per-node", flags.RanksPerNode ?? (device == ComputeDevice.Cpu ? ranks : 8));
        var length = Positive("--length", flags.Length ?? recipe.Data.MaxLength);
        if (length > recipe.Data.MaxLength)
            throw new BadInputException($"--length {length}", $"is beyond data.max_length {recipe.Data.MaxLength}", "give the average of what the recipe lets through");
        return new PlanRequest(config, recipe, ParameterMap.LargestVirtualShards(config, recipe.Parallel.VirtualShards),
            !loaded.Given.Contains("parallel.virtual_shards"), perNode, length, Rates(recipe.Precision, device, flags, Math.Min(ranks, perNode)))
        {
            // Reductions through host memory waste GPUs; the recipe's own layout keeps its own transport.
            Transport = device == ComputeDevice.Cuda && (flags.Ranks is not null || IsOpen(loaded)) ? RankTransport.Nccl : recipe.Parallel.Transport,
        };
    }

    /// <summary>The recipe with the config.json of a model on a hub, if it can be had; else the shape may be guessed from the model's name.</summary>
    /// <exception cref="BadInputException">It cannot be had, and the name tells nothing.</exception>
    public static async Task<LoadedRecipe> WithShapeAsync(LoadedRecipe loaded, Action<string> say, CancellationToken cancellation)
    {
        try
        {
            return (await HubSources.FetchModelAsync(loaded, null, ModelFiles.Shape, say, cancellation)).Loaded;
        }
        catch (Exception missing) when (missing is BadInputException or HubException && PresetNamed(loaded.Recipe.Model.Path!) is not null)
        {
            say(missing.Message);
            return loaded;
        }
    }

    /// <summary>The recipe names no layout, so that any layout may be chosen.</summary>
    public static bool IsOpen(LoadedRecipe loaded) => !LayoutKeys.Any(loaded.Given.Contains);

    /// <summary>Ranks of the recipe's own layout; an open data degree counts as one replica.</summary>
    public static int Size(ParallelRecipe parallel) => Math.Max(1, parallel.Data) * parallel.Tensor * parallel.Pipeline;

    private static ModelConfig Config(LoadedRecipe loaded, string? preset, Action<string> say)
    {
        var model = loaded.Recipe.Model;
        ModelConfig config;
        if (preset is not null) config = Preset("--model", preset);
        else if (model.Preset is not null) config = Preset("model.preset", model.Preset);
        else if (File.Exists(Path.Combine(model.Path!, "config.json"))) config = HuggingFaceModel.ReadConfig(model.Path!);
        else if (PresetNamed(model.Path!) is { } guess)
        {
            config = ModelPresets.Get(guess);
            say($"there is no {Path.Combine(model.Path!, "config.json")} yet: planned with the shape of {guess}, guessed from the path; --model overrides it");
        }
        else if (Directory.Exists(model.Path!) && ForeignPath.AsModel(model.Path!) is var (what, fix))
            throw loaded.Fault("model.path", $"{model.Path}: {what}", fix);
        else
            throw loaded.Fault("model.path", $"there is no {Path.Combine(model.Path!, "config.json")} with the model's shape",
                $"give --model with one of {string.Join(", ", ModelPresets.Names)}");
        return config with { RopeTheta = model.RopeTheta ?? config.RopeTheta };
    }

    /// <summary>The preset whose size, such as 70b, is part of a path; null: none.</summary>
    internal static string? PresetNamed(string path)
    {
        var size = Size7To70().Match(path.ToLowerInvariant());
        if (!size.Success) return null;
        var name = (path.Contains("code", StringComparison.OrdinalIgnoreCase) ? "codellama-" : "llama2-") + size.Value;
        return ModelPresets.Names.Contains(name) ? name : null;
    }

    private static ModelConfig Preset(string where, string name) => ModelPresets.Names.Contains(name)
        ? ModelPresets.Get(name)
        : throw new BadInputException($"{where} {name}", "there is no such preset", $"use one of {string.Join(", ", ModelPresets.Names)}");

    private static ComputeDevice DeviceOf(ParallelRecipe parallel, string? flag) => flag switch
    {
        null => parallel.Device,
        "cuda" => ComputeDevice.Cuda,
        "cpu" => ComputeDevice.Cpu,
        _ => throw new BadInputException($"--device {flag}", "is not known", "use cuda or cpu"),
    };

    private static DeviceRates Rates(Precision precision, ComputeDevice device, PlanFlags flags, int ranksHere)
    {
        var cuda = device == ComputeDevice.Cuda;
        var rates = cuda
            ? DeviceRates.AssumedGpu(precision)
            : DeviceRates.Processor(MemoryReader.Read().Bytes / Math.Max(1, ranksHere), flags.Flops is null ? StepBenchmark.ProductRate(precision) : 1);
        string?[] given = [flags.Flops, flags.MemoryBandwidth, flags.HostBandwidth, flags.BusBandwidth, flags.DeviceBandwidth, flags.NodeBandwidth, flags.LinkBandwidth, flags.Disk];
        return rates with
        {
            MemoryBytes = (long)Or("--memory", flags.Memory, rates.MemoryBytes),
            HostBytes = (long)Or("--host-memory", flags.HostMemory, rates.HostBytes),
            Flops = Or("--flops", flags.Flops, rates.Flops),
            MemoryBandwidth = Or("--memory-bandwidth", flags.MemoryBandwidth, rates.MemoryBandwidth),
            HostBandwidth = Or("--host-bandwidth", flags.HostBandwidth, rates.HostBandwidth),
            BusBandwidth = Or("--bus-bandwidth", flags.BusBandwidth, rates.BusBandwidth),
            DeviceBandwidth = Or("--device-bandwidth", flags.DeviceBandwidth, rates.DeviceBandwidth),
            NodeBandwidth = Or("--node-bandwidth", flags.NodeBandwidth, rates.NodeBandwidth),
            LinkBandwidth = Or("--link-bandwidth", flags.LinkBandwidth, rates.LinkBandwidth),
            DiskBandwidth = Or("--disk", flags.Disk, rates.DiskBandwidth),
            Source = given.All(flag => flag is not null) ? "given" : (given.Any(flag => flag is not null) ? "given or " : "")
                + (cuda || flags.Flops is not null ? "assumed" : "assumed, but for the products' measured here"),
        };
    }

    private static double Or(string flag, string? text, double otherwise) => text is null ? otherwise : Quantity.Parse(flag, text);

    private static int Positive(string flag, int value) => value >= 1 ? value : throw new BadInputException($"{flag} {value}", "is below 1", "use 1 or more");

    [GeneratedRegex("(?<![0-9.])(7|13|34|70)b(?![a-z0-9])", RegexOptions.RightToLeft)]
    private static partial Regex Size7To70();
}
