using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Files;
using Tulu2.Runs.Demo;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary><c>demo</c>: the whole pipeline on generated data.</summary>
internal sealed class DemoCommand(Terminal terminal)
{
    private readonly Option<string?> _run = CommandBuilder.Optional<string>("--run", "Run directory; runs/demo-<time> by default");
    private readonly Option<int> _seed = CommandBuilder.Option("--seed", "Seed for data, weights and sample order", 42);
    private readonly Option<int> _ranks = CommandBuilder.Option("--ranks", "Data-parallel ranks; 0: one per processor", 0);
    private readonly Option<bool> _inProcess = CommandBuilder.Flag("--in-process", "Run ranks as threads of this process instead of separate processes");

    public Command Create() => CommandBuilder.Command("demo", "The whole pipeline on generated data, a few minutes on two cores",
        [_run, _seed, _ranks, _inProcess], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var settings = new DemoSettings { Seed = parsed.GetValue(_seed), Ranks = parsed.GetValue(_ranks), InProcess = parsed.GetValue(_inProcess) };
        var directory = new RunDirectory(parsed.GetValue(_run) ?? Path.Combine("runs", $"demo-{TimeProvider.System.GetLocalNow():yyyyMMdd-HHmmss}"));
        await using var node = new LocalNode();
        var runner = new DemoRunner(terminal, node, settings);
        var result = await runner.RunAsync(directory, cancellation);
        DemoTable.Write(terminal, result, runner.Costs);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(result));
        return ExitCode.Done;
    }
}
