using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>eval rows --model DIR --data FILE</c>: a model's score on a benchmark.</summary>
internal sealed class EvalRowsCommand(Terminal terminal)
{
    private static string Names => string.Join(", ", BenchmarkCatalogue.All.Where(benchmark => benchmark.Folder is null).Select(benchmark => benchmark.Name));

    private readonly Option<string> _model = CommandBuilder.Required<string>("--model", ModelArgument.Description);
    private readonly Option<string?> _adapter = ModelArgument.Adapter();
    private readonly Option<string> _data = CommandBuilder.Required<string>("--data", "Instruction rows or preference pairs");
    private readonly Option<string?> _benchmark = CommandBuilder.Optional<string>("--benchmark", $"{Names}; by default the one for the rows of the file");
    private readonly Option<int?> _evaluators = CommandBuilder.Optional<int?>("--evaluators", "Number of parallel evaluators, each with a model of its own; by default one for each processor");

    private readonly Option<int?> _maxTokens = CommandBuilder.Optional<int?>("--max-tokens",
        "Maximum number of tokens to generate per answer; by default as many as the expected answer can have");
    private readonly Option<bool> _skipLong = CommandBuilder.Flag("--skip-long", "Skip rows that do not fit into the model's context");
    private readonly Option<bool> _keepWholeRows = CommandBuilder.Flag("--keep-whole-rows", "Score the rows of a damaged file that precede the damage");
    private readonly ShardFlags _shards = new();
    private readonly Option<bool> _inProcess = CommandBuilder.Flag("--in-process", "Run evaluators as threads of this process instead of separate processes");

    private readonly RowFlags _rows = new();

    public Command Create() => CommandBuilder.Command("rows", "Score a model on a row file",
        [_model, _adapter, _data, _benchmark, _evaluators, _maxTokens, _skipLong, _keepWholeRows, _inProcess, .. _shards.Symbols, .. _rows.Reading], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (given, file) = (parsed.GetValue(_model)!, _rows.Of(parsed, FilePatterns.One(parsed.GetValue(_data)!)));
        var shards = _shards.Read(parsed);
        var evaluators = ShardFlags.Evaluators(_evaluators, CommandBuilder.AtLeast(1, parsed, _evaluators), shards);
        var options = new BenchmarkOptions(CommandBuilder.AtLeast(1, parsed, _maxTokens), parsed.GetValue(_skipLong), parsed.GetValue(_keepWholeRows));
        var benchmark = parsed.GetValue(_benchmark) is { } name ? BenchmarkCatalogue.Named(name) : BenchmarkCatalogue.For(RowKinds.Of(file));
        var adapter = parsed.GetValue(_adapter) is { } folder ? Path.GetFullPath(folder) : null;
        var model = new ModelFolders(Path.GetFullPath(await ModelArgument.DirectoryAsync(terminal, given, cancellation)), adapter).Text;
        foreach (var remark in LoadedModel.Check(model, shards.Count)) terminal.Say(remark);
        if (RowFormats.Found([file]) is { } found) terminal.Say(found);
        await using var node = new LocalNode();
        var table = new EvaluationTable();
        var job = new EvaluationJob(Path.GetFileName(adapter ?? (HubUri.Is(given) ? given : model)), benchmark, model, file);
        var settings = new EvaluationSettings(evaluators, parsed.GetValue(_inProcess), options) { Evaluator = EvaluatorSettings.Default with { Shards = shards } };
        var scored = (await new EvaluationRunner(terminal, node).RunAsync($"eval {job.Name} {benchmark.Name}", [job], settings, null, cancellation)).Single();
        table.Add(job.Name, benchmark, scored.Outcome);
        var scores = table.Scores();
        var shown = new Table().AddColumns("benchmark", "dataset", "items", "score");
        foreach (var score in scores)
            shown.AddRow(
                Markup.Escape(score.Benchmark), Markup.Escape(score.Dataset == "" ? "all" : score.Dataset), $"{score.Items}", Markup.Escape(score.Text));
        terminal.Human.Write(shown);
        if (terminal.Json)
        {
            var whole = scores.First(score => score.Dataset == "");
            terminal.Output.WriteLine(JsonLine.Of(new
            {
                Model = model,
                Data = file.Path,
                Kind = benchmark.Name,
                whole.Items,
                LeftOut = scored.Plan.LeftOut.Count(fault => fault.Kind != RowFaultKind.DamagedFile),
                DamagedFiles = scored.Plan.LeftOut.Count(fault => fault.Kind == RowFaultKind.DamagedFile),
                Score = whole.Value,
                Datasets = scores.Where(score => score.Dataset != "").ToDictionary(score => score.Dataset, score => score.Value),
            }));
        }
        return ExitCode.Done;
    }
}
