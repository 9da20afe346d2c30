using Tulu2.Collectives.InProcess;
using Tulu2.Data.Slots;
using Tulu2.Models.Parameters;
using Tulu2.Tests.Training.Optimization;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;
using Tulu2.Training.Workers;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Runs of a tiny Llama on drawn sequences.</summary>
internal static class TinyRun
{
    public const int Steps = 4;

    public static WorkerSettings Settings(Objective objective, Precision precision, int slot = 2, Recipe? recipe = null, string checkpoints = "/nowhere", FaultPlan? faults = null, bool packing = true)
    {
        var layout = new ParameterMap(GradientNormTests.Tiny, 4);
        var source = DrawnRows.Of(objective, ObjectiveCatalog.Of(objective).TakesPairs ? 16 : 20, GradientNormTests.Tiny.VocabularySize, longest: 40, scoredBefore: 2);
        return new WorkerSettings
        {
            Recipe = (recipe ?? new Recipe()) with
            {
                Objective = objective,
                Precision = precision,
                Model = new() { Preset = "test" },
                Batch = new() { Global = 10, Slot = slot },
                Optimizer = new() { LearningRate = 0.01 },
                Schedule = new() { Warmup = 1 },
            },
            Parameters = layout,
            Plan = new BatchPlan(source, DrawnRows.Batches(objective, new BatchSettings(10, slot, Packing: packing, Steps: Steps))),
            DataPlane = new InProcessDataPlane(),
            CheckpointDirectory = checkpoints,
            Faults = faults,
        };
    }

    /// <summary>The settings with reference log-probabilities, scored by a worker in batches of the run's own shape.</summary>
    public static WorkerSettings WithReferences(WorkerSettings settings)
    {
        var plan = (BatchPlan)settings.Plan;
        var size = settings.Recipe.Batch.Slot;
        var values = new float[2 * plan.Items];
        SlotBatch[] chunks = [.. Enumerable.Range(0, plan.Items).Chunk(size).Select((pairs, chunk) => plan.ReadPairs(chunk, pairs))];
        using var supervisor = new TestSupervisor(settings with { References = () => throw new InvalidOperationException("not before the pass") }, 1);
        foreach (var (chunk, scores) in supervisor.Score(chunks).Index()) scores.CopyTo(values, 2 * size * chunk);
        var references = new ReferenceLogProbabilities(values);
        return settings with { References = () => references };
    }
}
