using System.Security.Cryptography;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Driving;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Hosting;

namespace Tulu2.Training.Benchmarks;

/// <summary>Throughput of a layout, and how its ranks spend their time, as shares of the total time of all ranks.</summary>
/// <param name="TokensPerSecond">Throughput of the median step.</param>
/// <param name="Speedup">Speedup over one rank: the median over the rounds, each of which measures both.</param>
/// <param name="Compute">Computing.</param>
/// <param name="Waiting">Waiting for batches and commits.</param>
/// <param name="Bubble">Exchange with pipeline neighbours, waiting included.</param>
/// <param name="TensorSums">Tensor-parallel sums, waiting included.</param>
/// <param name="Reduction">Gradient reduction over the replicas with norm and hash, waiting for slower ranks included.</param>
/// <param name="Beside">Gradient reduction that overlapped with computation; also contained in another share.</param>
public sealed record LayoutMeasurement(
    string Layout, int Ranks, double TokensPerSecond, double Speedup, double Compute, double Waiting, double Bubble, double TensorSums, double Reduction, double Beside);

/// <summary>A layout to measure.</summary>
/// <param name="Overlap"><c>parallel.overlap</c>.</param>
public readonly record struct MeasuredLayout(ParallelLayout Layout, bool Overlap = false)
{
    public override string ToString() => Overlap ? $"{Layout}, overlap" : $"{Layout}";
}

/// <summary>
/// Measures whole committed steps of several layouts, with one intra-op thread per rank. All layouts stay loaded and are measured in turns, so that other load
/// on the machine affects them equally.
/// </summary>
public static class LayoutBenchmark
{
    private const string Loopback = "127.0.0.1";
    private const int KeyBytes = 32;

    /// <param name="layouts">Layouts to measure; the first is a single rank.</param>
    /// <param name="steps">Steps measured in each round, after one that is not.</param>
    /// <param name="program">Program of a worker process; null: ranks are threads of this process.</param>
    /// <param name="progress">Called with the number of each turn, from 0.</param>
    public static IReadOnlyList<LayoutMeasurement> Run(
        MeasuredRun run, IReadOnlyList<MeasuredLayout> layouts, int rounds, int steps, WorkerProgram? program, Action<int> progress)
    {
        var ranks = new List<DriverLoop>();
        var commits = layouts.Select(_ => new List<StepCommit>()).ToArray();
        var measured = layouts.Select(_ => new List<IReadOnlyList<StepCommit>>()).ToArray();
        try
        {
            for (var index = 0; index < layouts.Count; index++)
            {
                ranks.Add(Start(run, layouts[index], 1 + rounds * (1 + steps) + 1, program, commits[index].Add));
                // Loads the model, so that start-up does not disturb the measurement of another layout.
                ranks[index].Advance(new StepNumber(1));
            }
            for (var turn = 0; turn < rounds * layouts.Count; turn++)
            {
                progress(turn);
                var layout = turn % layouts.Count;
                ranks[layout].Advance(new StepNumber(commits[layout].Count + 1 + steps));
                // The first step of a turn is left out: it includes the wait for the turn.
                measured[layout].Add([.. commits[layout].TakeLast(steps)]);
            }
        }
        finally
        {
            foreach (var each in ranks) each.Dispose();
        }
        var tokens = (double)run.Slots * run.Sequences * run.Length;
        return [.. layouts.Select((layout, index) => Of(layout, tokens, measured[index], measured[0]))];
    }

    /// <param name="steps">Length of the run, which is not reached.</param>
    private static DriverLoop Start(MeasuredRun run, MeasuredLayout measured, int steps, WorkerProgram? program, Action<StepCommit> committed)
    {
        var settings = run.Settings(measured.Layout, new InProcessDataPlane(), steps, measured.Overlap);
        return MeasuredRun.Drive(settings, program is null ? new EmbeddedWorkerFactory(settings) : new ProcessWorkerFactory(program, new WorkerStart
        {
            Recipe = settings.Recipe,
            Model = run.Config,
            VirtualShards = run.VirtualShards,
            Parallel = measured.Layout,
            CheckpointDirectory = settings.CheckpointDirectory,
            Batches = BatchFacts.Of(settings.Plan),
            Key = RandomNumberGenerator.GetBytes(KeyBytes),
            ListenAddress = Loopback,
        }, log: null), committed);
    }

    private static LayoutMeasurement Of(
        MeasuredLayout layout, double tokens, IReadOnlyList<IReadOnlyList<StepCommit>> rounds, IReadOnlyList<IReadOnlyList<StepCommit>> alone)
    {
        var steps = rounds.SelectMany(round => round).ToList();
        var all = steps.Sum(step => step.Seconds) * layout.Layout.Size;
        double Share(Func<StepTimes, double> part) => steps.Sum(step => step.Shares.Sum(share => part(share.Times))) / all;
        return new LayoutMeasurement($"{layout}", layout.Layout.Size, tokens / Wall(steps), Median(rounds.Zip(alone, (own, one) => Wall(one) / Wall(own))),
            Share(times => times.Compute), Share(times => times.WaitForData + times.WaitForCommit), Share(times => times.WaitForStage),
            Share(times => times.TensorSums), Share(times => times.Reduce), Share(times => times.ReduceBeside));
    }

    private static double Wall(IEnumerable<StepCommit> steps) => Median(steps.Select(step => step.Seconds));

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
