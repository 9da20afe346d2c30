using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Reporting.Evaluations;
using Tulu2.Evaluation.Summaries;
using Tulu2.Files;
using Tulu2.Runs.Comparison;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary>
/// <c>report RUN</c>: makes the run's page again from its files. <c>report RUN RUN...</c>: one page that puts runs side by side. In both, and for folders of
/// <c>eval --out</c>: scores beside the paper's.
/// </summary>
internal sealed class ReportCommand(Terminal terminal)
{
    private readonly Argument<string[]> _runs = CommandBuilder.Arguments("RUN",
        "Run directory, or folder of `eval --out`; several are put side by side on a page of their own");

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

    private readonly EvaluationFlags _flags = new();

    private readonly Option<int> _items = CommandBuilder.Option("--items", "Items of a task that the page shows, with prompt, output and verdict", EvaluationPage.MostItems);

    private const string DefaultFile = "comparison.html";

    private Option[] OfScoring => [_evaluators, _maxTokens, _skipLong, _inProcess, .. _rows.Reading.OfType<Option>()];

    public Command Create() => CommandBuilder.Command("report", "Write the page of a run, or one that compares runs or evaluated models, beside the paper's tables",
        [_runs, _to, _data, _evaluators, _maxTokens, _skipLong, _inProcess, .. _rows.Reading, .. _flags.All, _items], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var directories = parsed.GetValue(_runs)!;
        if (parsed.GetValue(_items) < 0) throw new BadInputException("--items", $"{parsed.GetValue(_items)} is below 0", "use 0 or more");
        var bootstrap = _flags.BootstrapOf(parsed);
        var models = await Task.Run(() => EvaluatedModels.Read(directories, _flags.NamesOf(parsed)), cancellation).WaitAsync(cancellation);
        if (models.Count == 0) Refuse(parsed, [.. _flags.OfScores, _items], "is for scores of `tulu2 eval --out`", "name a directory that has some, or omit it");
        var summary = models.Count == 0 ? null : await Task.Run(() => EvaluationSummary.Of(models, bootstrap), cancellation).WaitAsync(cancellation);
        if (summary is not null && !AreRuns(directories)) return Evaluated(parsed, directories, summary);
        return directories.Length == 1 ? await One(parsed, directories[0], summary, cancellation) : await Several(parsed, directories, summary, cancellation);
    }

    // More runs than a page of curves can hold have their scores alone.
    private static bool AreRuns(string[] directories) => directories is [var only] && ReportMaker.HasStages(new RunDirectory(only))
        || directories.Length <= ComparisonPage.MostRuns && directories.All(directory => File.Exists(new RunDirectory(directory).Metrics));

    private PageParts? Parts(ParseResult parsed, EvaluationSummary? summary) => summary is null ? null : EvaluationPage.Parts(summary, parsed.GetValue(_items));

    private async Task<int> One(ParseResult parsed, string directory, EvaluationSummary? summary, CancellationToken cancellation)
    {
        Refuse(parsed, [_to, _data, .. OfScoring], "is for a page that compares several runs", "name another run directory too, or omit it");
        var run = new RunDirectory(directory);
        var file = parsed.GetValue(_flags.Page) is { } given ? EvaluationFlags.File(_flags.Page, given) : run.Report;
        var path = await Task.Run(() => ReportMaker.Make(run, file, Parts(parsed, summary)), cancellation).WaitAsync(cancellation);
        var markdown = Tables(parsed, summary);
        terminal.WriteHuman(path);
        if (terminal.Json)
            terminal.Output.WriteLine(JsonLine.Of(summary is null ? (object)new { Report = path } : new { Report = path, Markdown = markdown, Evaluation = EvaluationJson.Of(summary) }));
        return ExitCode.Done;
    }

    // Models without their training.
    private int Evaluated(ParseResult parsed, string[] directories, EvaluationSummary summary)
    {
        Refuse(parsed, [_data, .. OfScoring], "is for runs, whose exports it scores", "name run directories only, or omit it");
        var path = FileOf(parsed, directories is [var only] ? Path.Combine(only, RunReport.FileName) : DefaultFile);
        AtomicFile.WriteAllText(path, EvaluationPage.Render(summary, parsed.GetValue(_items)));
        var markdown = Tables(parsed, summary);
        terminal.WriteHuman($"report: {path}");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { Report = path, Markdown = markdown, Evaluation = EvaluationJson.Of(summary) }));
        return ExitCode.Done;
    }

    private async Task<int> Several(ParseResult parsed, string[] directories, EvaluationSummary? summary, CancellationToken cancellation)
    {
        var path = FileOf(parsed, DefaultFile);
        if (parsed.GetValue(_data) is null) Refuse(parsed, OfScoring, "is for scores on a file of rows", "add --data FILE, or omit it");
        var runs = await Task.Run(() => ComparedRuns.Read(directories), cancellation).WaitAsync(cancellation);
        if (parsed.GetValue(_data) is { } data) runs = await Scored(parsed, runs, data, cancellation);
        AtomicFile.WriteAllText(path, ComparisonPage.Render(runs, Parts(parsed, summary)));
        ComparisonTables.Write(terminal, runs);
        Tables(parsed, summary);
        terminal.WriteHuman($"comparison: {path}");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(ComparisonJson.Of(path, runs, summary is null ? null : EvaluationJson.Of(summary))));
        return ExitCode.Done;
    }

    // --to and --html are one file.
    private string FileOf(ParseResult parsed, string otherwise)
    {
        if (parsed.GetValue(_to) is { } to)
            return parsed.GetValue(_flags.Page) is null ? EvaluationFlags.File(_to, to) : throw new BadInputException("--html", "and --to name the same page", "give one of them");
        return parsed.GetValue(_flags.Page) is { } page ? EvaluationFlags.File(_flags.Page, page) : Path.GetFullPath(otherwise);
    }

    private string? Tables(ParseResult parsed, EvaluationSummary? summary)
    {
        if (summary is null) return null;
        EvaluationTables.Write(terminal, summary.Tables);
        var path = _flags.Write(parsed, "Evaluation", summary.Tables);
        if (path is not null) terminal.WriteHuman($"markdown: {path}");
        return path;
    }

    private static void Refuse(ParseResult parsed, IEnumerable<Option> options, string what, string fix)
    {
        if (options.FirstOrDefault(option => CommandBuilder.IsGiven(parsed, option)) is { } option) throw new BadInputException(option.Name, what, fix);
    }

    private async Task<IReadOnlyList<ComparedRun>> Scored(ParseResult parsed, IReadOnlyList<ComparedRun> runs, string data, CancellationToken cancellation)
    {
        var file = _rows.Of(parsed, FilePatterns.One(data));
        var options = new BenchmarkOptions(CommandBuilder.AtLeast(1, parsed, _maxTokens), parsed.GetValue(_skipLong));
        var settings = new EvaluationSettings(CommandBuilder.AtLeastOne(parsed, _evaluators), parsed.GetValue(_inProcess), options);
        if (RowFormats.Found([file]) is { } found) terminal.Say(found);
        await using var node = new LocalNode();
        return await new ComparedScores(terminal, node).AddAsync(runs, BenchmarkCatalogue.For(RowKinds.Of(file)), file, settings, cancellation);
    }
}
