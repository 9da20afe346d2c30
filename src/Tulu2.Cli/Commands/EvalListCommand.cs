using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Files;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>eval list</c>: the benchmarks.</summary>
internal sealed class EvalListCommand(Terminal terminal)
{
    public Command Create() => CommandBuilder.Command("list", "The benchmarks: what each measures, its data and its judges", [], _ => Run());

    private int Run()
    {
        if (terminal.Json)
        {
            terminal.Output.WriteLine(JsonLine.Of(BenchmarkCatalogue.All.Select(benchmark => new { benchmark.Name, benchmark.Folder, benchmark.Judges, benchmark.Summary })));
            return ExitCode.Done;
        }
        var shown = new Table().AddColumns("benchmark", "data", "judges", "measures");
        foreach (var benchmark in BenchmarkCatalogue.All)
            shown.AddRow(
                Markup.Escape(benchmark.Name), Markup.Escape(benchmark.Folder is { } folder ? $"ROOT/{folder}" : "eval rows --data FILE"),
                Markup.Escape(string.Join(", ", benchmark.Judges)), Markup.Escape(benchmark.Summary));
        terminal.Human.Write(shown);
        return ExitCode.Done;
    }
}
