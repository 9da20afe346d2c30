using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Models.Families;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.Parameters;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Workers;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Runs of a Llama that is as small as four virtual shards and eight stages allow, on any layout of up to eight ranks.</summary>
internal static class LayoutRun
{
    public const int Slots = 8;

    public static readonly LlamaConfig Config = new()
    {
        HiddenSize = 32,
        IntermediateSize = 64,
        Layers = 8,
        Heads = 4,
        KeyValueHeads = 4,
        HeadSize = 16,
        VocabularySize = 60,
        InitializerRange = 0.1,
    };

    /// <summary>Every factorisation of so many ranks that the model allows, without ZeRO, with it over all replicas, and over every divisor of them between.</summary>
    public static IEnumerable<ParallelLayout> All =>
        from ranks in new[] { 1, 2, 3, 4, 6, 8 }
        from tensor in new[] { 1, 2, 4 }
        from pipeline in Enumerable.Range(1, Config.Layers)
        where ranks % (tensor * pipeline) == 0
        let data = ranks / (tensor * pipeline)
        from zero in Enumerable.Range(1, data)
        where data % zero == 0
        select new ParallelLayout(data, tensor, pipeline, zero);

    public static WorkerSettings Settings(Objective objective, Precision precision, int steps, string checkpoints = "/nowhere", ModelConfig? config = null, DpoRecipe? dpo = null)
    {
        var source = DrawnRows.Of(objective, ObjectiveCatalog.Of(objective).TakesPairs ? 20 : 36, Config.VocabularySize, longest: 14, scoredBefore: 2);
        var settings = new WorkerSettings
        {
            Recipe = new Recipe
            {
                Objective = objective,
                Precision = precision,
                Dpo = dpo ?? new DpoRecipe(),
                Model = new() { Preset = "test" },
                Batch = new() { Global = 2 * Slots, Slot = 2 },
                Optimizer = new() { LearningRate = 0.01 },
                Schedule = new() { Warmup = 1 },
                Parallel = new() { Overlap = true },
            },
            Parameters = new ParameterMap(config ?? Config, 4),
            Plan = new BatchPlan(source, DrawnRows.Batches(objective, new BatchSettings(2 * Slots, 2, Packing: true, Steps: steps), share: dpo is not { SharePrompt: false })),
            DataPlane = new InProcessDataPlane(),
            CheckpointDirectory = checkpoints,
            GradientPiece = 1,
        };
        return ObjectiveCatalog.Of(objective).NeedsReference(settings.Recipe) ? TinyRun.WithReferences(settings) : settings;
    }
}
