using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Tulu2.Runs.Comparison;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary><c>report RUN</c>: makes the run's page again from its files. <c>report RUN RUN...</c>: one page that puts runs side by side.</summary>
internal sealed class ReportCommand(Terminal terminal)
{
    private readonly Argument<string[]> _runs = CommandBuilder.Arguments("RUN", "Run directory; several are put side by side on a page of their own");

    private readonly Option<string?> _to = CommandBuilder.Optional<string>("--to", $"File of the page that compares several runs; {DefaultFile} by default");

    private readonly Option<string?> _data = CommandBuilder.Optional<string>("--data",
        "With several runs: score what each has exported on instruction rows or preference pairs");

    private readonly Option<int> _evaluators = CommandBuilder.Option("--evaluators", "With --data: number of parallel evaluators", Environment.ProcessorCount);

    private readonly Option<int?> _maxTokens = CommandBuilder.Optional<int?>("--max-tokens",
        "With --data: maximum number of tokens to generate per answer; by default as many as the expected answer can have");

    private readonly Option<bool> _skipLong = CommandBuilder.Flag("--skip-long", "With --data: skip rows that do not fit into a model's context");

    private readonly Option<bool> _inProcess = CommandBuilder.Flag("--in-process",
        "With --data: run evaluators as threads of this process instead of separate processes");

    private readonly RowFlags _rows = new();

    private const string DefaultFile = "comparison.html";

    private Option[] OfScoring => [_evaluators, _maxTokens, _skipLong, _inProcess, .. _rows.Reading.OfType<Option>()];

    public Command Create() => CommandBuilder.Command("report", "Write the report.html of a run, or a page that compares runs",
        [_runs, _to, _data, _evaluators, _maxTokens, _skipLong, _inProcess, .. _rows.Reading], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var runs = parsed.GetValue(_runs)!;
        return runs.Length == 1 ? await One(parsed, runs[0], cancellation) : await Several(parsed, runs, cancellation);
    }

    private async Task<int> One(ParseResult parsed, string run, CancellationToken cancellation)
    {
        Refuse(parsed, [_to, _data, .. OfScoring], "is for a page that compares several runs", "name another run directory too, or omit it");
        var path = await Task.Run(() => ReportMaker.Make(new RunDirectory(run)), cancellation).WaitAsync(cancellation);
        terminal.WriteHuman(path);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { Report = path }));
        return ExitCode.Done;
    }

    private async Task<int> Several(ParseResult parsed, string[] directories, CancellationToken cancellation)
    {
        var path = Path.GetFullPath(parsed.GetValue(_to) ?? DefaultFile);
        if (Directory.Exists(path)) throw new BadInputException(path, "is a directory", $"name a file, such as --to {Path.Combine(path, DefaultFile)}");
        if (parsed.GetValue(_data) is null) Refuse(parsed, OfScoring, "is for scores on a file of rows", "add --data FILE, or omit it");
        var runs = await Task.Run(() => ComparedRuns.Read(directories), cancellation).WaitAsync(cancellation);
        if (parsed.GetValue(_data) is { } data) runs = await Scored(parsed, runs, data, cancellation);
        AtomicFile.WriteAllText(path, ComparisonPage.Render(runs));
        ComparisonTables.Write(terminal, runs);
        terminal.WriteHuman($"comparison: {path}");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(ComparisonJson.Of(path, runs)));
        return ExitCode.Done;
    }

    private static void Refuse(ParseResult parsed, IEnumerable<Option> options, string what, string fix)
    {
        if (options.FirstOrDefault(option => CommandBuilder.IsGiven(parsed, option)) is { } option) throw new BadInputException(option.Name, what, fix);
    }

    private async Task<IReadOnlyList<ComparedRun>> Scored(ParseResult parsed, IReadOnlyList<ComparedRun> runs, string data, CancellationToken cancellation)
    {
        var file = _rows.Of(parsed, FilePatterns.One(data));
        var options = new BenchmarkOptions(parsed.GetValue(_maxTokens), parsed.GetValue(_skipLong));
        if (options.MaxTokens < 1) throw new BadInputException("--max-tokens", $"{options.MaxTokens} is below 1", "use 1 or more");
        var settings = new EvaluationSettings(CommandBuilder.AtLeastOne(parsed, _evaluators), parsed.GetValue(_inProcess), options);
        if (RowFormats.Found([file]) is { } found) terminal.Say(found);
        await using var node = new LocalNode();
        return await new ComparedScores(terminal, node).AddAsync(runs, BenchmarkCatalogue.For(RowKinds.Of(file)), file, settings, cancellation);
    }
}
