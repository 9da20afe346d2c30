using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Cluster.Benchmarks;
using Tulu2.Files;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>bench control</c>: what the actors of a run take for a step, by number of ranks, where the ranks take nothing.</summary>
internal sealed class BenchControlCommand(Terminal terminal)
{
    private const int Most = 4096;

    private readonly Option<int[]> _ranks = Several();
    private readonly Option<int> _steps = CommandBuilder.Option("--steps", "Steps measured per number of ranks", 200);

    public Command Create() => CommandBuilder.Command("control", "Latency of a commit, and messages of a step, of a run's own actors over ranks that answer at once", [_ranks, _steps], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(_ranks)!.Any(ranks => ranks is < 1 or > Most)) throw new BadInputException(_ranks.Name, $"a value is not within 1 and {Most}", "use smaller or larger ones");
        var steps = CommandBuilder.AtLeastOne(parsed, _steps);
        var results = await ProgressDisplay.RunAsync(terminal, "bench control", report => MeasureAsync(parsed.GetValue(_ranks)!, steps, report, cancellation));
        var table = new Table().AddColumns("ranks", "commit ms, median", "99th percentile", "step ms", "messages a step", "bytes a step");
        foreach (var result in results)
            table.AddRow($"{result.Ranks}", Milliseconds(result.MedianSeconds), Milliseconds(result.LastSeconds), Milliseconds(result.StepSeconds), $"{result.Messages}", $"{result.Bytes}");
        terminal.Human.Write(table);
        terminal.WriteHuman("commit: from the last rank's report that it is ready until the last rank has its commit, the ledger's file included; step: from commit to commit; bytes: as the messages go between nodes");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(results));
        return ExitCode.Done;
    }

    private static async Task<IReadOnlyList<ControlResult>> MeasureAsync(IReadOnlyList<int> cases, int steps, Action<ProgressSnapshot> report, CancellationToken cancellation)
    {
        var results = new List<ControlResult>();
        foreach (var ranks in cases)
        {
            report(new ProgressSnapshot(results.Count, cases.Count));
            results.Add(await ControlBenchmark.RunAsync(ranks, steps, cancellation));
        }
        report(new ProgressSnapshot(results.Count, cases.Count));
        return results;
    }

    private static string Milliseconds(double seconds) => $"{seconds * 1000:F2}";

    private static Option<int[]> Several()
    {
        var option = CommandBuilder.Option("--ranks", "Numbers of ranks", new[] { 8, 64, 512 });
        option.AllowMultipleArgumentsPerToken = true;
        return option;
    }
}
