using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Families;
using Tulu2.Protocol.Ids;
using Tulu2.Training.Hosting;
using Tulu2.Training.Planning;

namespace Tulu2.Training.Benchmarks;

/// <summary>What a rank's resident memory grew by, beside what a plan says.</summary>
/// <param name="Planned">Bytes, without the snapshot of a checkpoint, of which none is taken.</param>
/// <param name="Measured">Bytes: the peak over some steps less what the process had before, its libraries warmed up by a tiny model.</param>
/// <param name="Kinds">Of the planned bytes.</param>
public sealed record MemoryMeasurement(string Objective, string Precision, bool Recompute, long Planned, long Measured, IReadOnlyDictionary<string, long> Kinds)
{
    public double Ratio => (double)Measured / Planned;
}

/// <summary>
/// Holds the plan's memory to the resident memory of a real rank: a worker thread of this process. Once a process: what an earlier run has freed would be used again
/// without being counted. Linux.
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
        // Code that is read for the first time is no memory of the rank's.
        var measured = ResidentMemory.Peak() - before - (ResidentMemory.OfFiles() - files);

        var request = new PlanRequest(run.Config, run.Recipe(alone), run.VirtualShards, MayChangeShards: false, RanksPerNode: 1, run.Length, DeviceRates.Processor(long.MaxValue, 1));
        var memory = new LayoutSearch(request).Evaluate(run.VirtualShards, 1, 1, 1, 1, run.Recompute).Stages[0];
        return new MemoryMeasurement(
            run.Objective.ToString().ToLowerInvariant(), run.Precision.ToString().ToLowerInvariant(), run.Recompute, memory.Resident - memory.Snapshot, measured,
            memory.Kinds.ToDictionary(kind => kind.Kind, kind => kind.Bytes));
    }

    private static void Train(MeasuredRun run, ParallelLayout layout)
    {
        var settings = run.Settings(layout, new InProcessDataPlane());
        using var ranks = MeasuredRun.Drive(settings, new EmbeddedWorkerFactory(settings));
        ranks.Advance(new StepNumber(Steps));
    }
}
