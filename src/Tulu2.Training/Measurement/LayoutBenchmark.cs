using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Measurement;

/// <summary>How fast a layout's ranks are together, and where the time of the slower ones goes.</summary>
/// <param name="Speedup">Over one rank alone in the same run.</param>
/// <param name="Sums">Share of all ranks' time in tensor-parallel sums, waiting included.</param>
/// <param name="Bubble">Share in waiting for pipeline neighbours.</param>
/// <param name="Sends">Share in sending to them.</param>
/// <param name="Reduction">Share in the gradients' sum over replicas, waiting for the slower ones included.</param>
/// <param name="Waiting">Share in waiting for batches and for the commit.</param>
public sealed record LayoutMeasurement(
    string Layout, int Ranks, double TokensPerSecond, double Speedup, double Sums, double Bubble, double Sends, double Reduction, double Waiting);

/// <summary>Measures whole committed steps of a layout's ranks, as threads of this process with one intra-op thread each.</summary>
public static class LayoutBenchmark
{
    private const int WarmUp = 2;

    public static IReadOnlyList<LayoutMeasurement> Run(MeasuredRun run, IReadOnlyList<ParallelLayout> layouts, int steps, Action<int> progress)
    {
        var results = new List<LayoutMeasurement>();
        foreach (var layout in layouts)
        {
            progress(results.Count);
            results.Add(Run(run, layout, steps, results.Count == 0 ? null : results[0].TokensPerSecond));
        }
        return results;
    }

    private static LayoutMeasurement Run(MeasuredRun run, ParallelLayout layout, int steps, double? alone)
    {
        var plane = new TimedDataPlane(new InProcessDataPlane(), layout.Size);
        var settings = run.Settings(layout, plane);
        using var ranks = new MeasuredRanks(settings, new EmbeddedWorkerFactory(settings));
        IReadOnlyList<CallTimes> before = [];
        var measured = ranks.Run(WarmUp + steps, step =>
        {
            if (step == WarmUp) before = [.. plane.Times.Select(times => times.Less(new CallTimes()))];
        }).Skip(WarmUp).ToList();
        // The time of all ranks together: shares of it add up over ranks.
        var all = measured.Sum(step => step.Wall) * layout.Size;
        var calls = plane.Times.Select((times, rank) => times.Less(before[rank])).ToList();
        var tokens = settings.Plan.Tokens(1) / measured.Select(step => step.Wall).Order().ElementAt(measured.Count / 2);
        return new LayoutMeasurement(
            $"{layout}", layout.Size, tokens, tokens / (alone ?? tokens), calls.Sum(call => call.Sums) / all, calls.Sum(call => call.Receives) / all,
            calls.Sum(call => call.Sends) / all, calls.Sum(call => call.Reductions) / all,
            measured.Sum(step => step.Ranks.Sum(times => times.WaitForData + times.WaitForCommit)) / all);
    }
}
