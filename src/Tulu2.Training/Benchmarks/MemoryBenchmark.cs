using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Families;
using Tulu2.Protocol.Ids;
using Tulu2.Training.Hosting;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Benchmarks;

/// <summary>The growth of a rank's resident memory, compared with the plan.</summary>
/// <param name="Planned">Planned bytes without the snapshot, since no checkpoint is written.</param>
/// <param name="Measured">Measured bytes: peak over a few steps, minus the resident memory after warming up the libraries with a tiny model.</param>
/// <param name="Kinds">Planned bytes by kind.</param>
public sealed record MemoryMeasurement(string Objective, string Precision, bool Recompute, long Planned, long Measured, IReadOnlyDictionary<string, long> Kinds)
{
    /// <summary>What is trained: all, lora, or lora nf4.</summary>
    public string Trained { get; init; } = "all";

    public double Ratio => (double)Measured / Planned;
}

/// <summary>
/// Compares planned memory with the resident memory of a real rank, a worker thread of this process. Works once per process, since memory freed by an earlier
/// run would be reused without being counted. Linux only.
/// </summary>
public static class MemoryBenchmark
{
    private const int Steps = 2;

    public static MemoryMeasurement Run(MeasuredRun run)
    {
        var alone = new ParallelLayout(1);
        Train(run with { Config = ModelPresets.Get("tiny"), VirtualShards = 1, Slots = 2, Sequences = 2, Length = 32 }, alone);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        ResidentMemory.ForgetPeak();
        var (before, files) = (ResidentMemory.Now(), ResidentMemory.OfFiles());
        Train(run, alone);
        // Code pages loaded for the first time are not memory of the rank.
        var measured = ResidentMemory.Peak() - before - (ResidentMemory.OfFiles() - files);

        var request = new PlanRequest(run.Config, run.Recipe(alone), run.VirtualShards, MayChangeShards: false, RanksPerNode: 1, run.Length, DeviceRates.Processor(long.MaxValue, 1));
        var memory = new LayoutSearch(request).Evaluate(run.VirtualShards, 1, 1, 1, 1, run.Recompute).Stages[0];
        return new MemoryMeasurement(
            run.Objective.ToString().ToLowerInvariant(), run.Precision.ToString().ToLowerInvariant(), run.Recompute, memory.Resident - memory.Snapshot, measured,
            memory.Kinds.ToDictionary(kind => kind.Kind, kind => kind.Bytes))
        {
            Trained = run.Lora is not { } lora ? "all" : lora.Quantize == Quantization.Nf4 ? "lora nf4" : "lora",
        };
    }

    private static void Train(MeasuredRun run, ParallelLayout layout)
    {
        var settings = run.Settings(layout, new InProcessDataPlane());
        using var ranks = MeasuredRun.Drive(settings, new EmbeddedWorkerFactory(settings));
        ranks.Advance(new StepNumber(Steps));
    }
}
