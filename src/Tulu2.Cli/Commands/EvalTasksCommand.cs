using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>eval TASK… --model DIR --data ROOT</c>: a model's scores on benchmarks with task data.</summary>
internal sealed class EvalTasksCommand(Terminal terminal)
{
    private const string All = "all";

    private readonly Argument<string[]> _tasks = CommandBuilder.Arguments("TASK", $"{Names}; {All}: every one that can be scored with what is given");
    private readonly Option<string> _model = CommandBuilder.Required<string>("--model", ModelArgument.Description);
    private readonly Option<string?> _adapter = ModelArgument.Adapter();
    private readonly Option<string> _data = CommandBuilder.Required<string>("--data", "Folder with the task data, as its authors ship it: ROOT/mmlu, ROOT/gsm8k, ...");
    private readonly Option<EvaluationMode> _mode = CommandBuilder.Option("--mode",
        "parity: subsets, prompts and slips of the original; fixed: all items, slips mended", EvaluationMode.Parity);
    private readonly Option<int?> _limit = CommandBuilder.Optional<int?>("--limit", "Maximum number of items per task, spread evenly over all");
    private readonly Option<int?> _shots = CommandBuilder.Optional<int?>("--shots", "Number of examples in the prompt; by default the task's own");
    private readonly Option<bool?> _chat = CommandBuilder.Optional<bool?>("--chat", "true: prompts in the chat template; false: raw; by default the task's own way for tuned models");
    private readonly Option<bool?> _works = CommandBuilder.Optional<bool?>("--chain-of-thought", "false: examples show the answer alone; by default the task's own way");
    private readonly Option<int?> _maxTokens = CommandBuilder.Optional<int?>("--max-tokens", "Maximum number of tokens to generate per answer; by default the task's own");
    private readonly Option<string?> _out = CommandBuilder.Optional<string>("--out", "Folder for results and items; a killed evaluation goes on from it");
    private readonly Option<string?> _name = CommandBuilder.Optional<string>("--name", "Name of the model in tables; by default that of its folder");
    private readonly JudgeFlags _judges = new();
    private readonly Option<int?> _evaluators = CommandBuilder.Optional<int?>("--evaluators", "Number of parallel evaluators, each with a model of its own; by default one for each processor");
    private readonly ShardFlags _shards = new();
    private readonly Option<bool> _inProcess = CommandBuilder.Flag("--in-process", "Run evaluators as threads of this process instead of separate processes");

    private readonly Option<bool> _unsafe = CommandBuilder.Flag("--unsafe-code-execution", "Run programs that the model writes without isolation where there is none");

    private static string Names => string.Join(", ", BenchmarkCatalogue.WithTaskData.Select(benchmark => benchmark.Name));

    public Command Create() => CommandBuilder.Command("eval", "Score a model on benchmarks",
        [_tasks, _model, _adapter, _data, _mode, _limit, _shots, _chat, _works, _maxTokens, _out, _name, _evaluators, _inProcess, _unsafe, .. _shards.Symbols, .. _judges.All], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (given, root) = (parsed.GetValue(_model)!, Path.GetFullPath(parsed.GetValue(_data)!));
        if (!Directory.Exists(root)) throw new BadInputException("--data", $"{root} is not a folder", "give the folder that holds the tasks' folders");
        var folderOut = parsed.GetValue(_out) is { } path ? Path.GetFullPath(path) : null;
        var (shards, inProcess) = (_shards.Read(parsed), parsed.GetValue(_inProcess));
        var evaluators = ShardFlags.Evaluators(_evaluators, CommandBuilder.AtLeast(1, parsed, _evaluators), shards);
        var settings = new EvaluationSettings(evaluators, inProcess, OptionsOf(parsed))
        {
            Evaluator = _judges.Fill(parsed, EvaluatorSettings.Default with { AllowUnsafeExecution = parsed.GetValue(_unsafe), Shards = shards }, folderOut, inProcess ? 1 : evaluators),
        };
        var benchmarks = BenchmarksOf(parsed.GetValue(_tasks)!, root, settings.Evaluator);
        var adapter = parsed.GetValue(_adapter) is { } folder ? Path.GetFullPath(folder) : null;
        var model = new ModelFolders(Path.GetFullPath(await ModelArgument.DirectoryAsync(terminal, given, cancellation)), adapter).Text;
        foreach (var remark in LoadedModel.Check(model, shards.Count)) terminal.Say(remark);
        var name = parsed.GetValue(_name) ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(adapter ?? (HubUri.Is(given) ? given : model)));
        foreach (var line in JudgeFlags.Estimates(benchmarks, root, settings.Options, settings.Evaluator)) terminal.Say(line);
        await using var node = new LocalNode();
        var results = await new TaskEvaluation(terminal, node).RunAsync(new TaskEvaluationRequest(name, model, root, benchmarks, settings, folderOut), cancellation);
        foreach (var line in JudgeFlags.Costs(results)) terminal.Say(line);
        terminal.Human.Write(TaskResultTable.Of(results));
        if (terminal.Json) terminal.Output.WriteLine($$"""{"model":{{JsonLine.Of(model)}},"data":{{JsonLine.Of(root)}},"results":[{{string.Join(',', results.Select(ResultFolder.ResultText))}}]}""");
        return ExitCode.Done;
    }

    private BenchmarkOptions OptionsOf(ParseResult parsed) => _judges.Fill(parsed, new BenchmarkOptions(CommandBuilder.AtLeast(1, parsed, _maxTokens), SkipLong: true)
    {
        Mode = parsed.GetValue(_mode),
        Chat = parsed.GetValue(_chat),
        Shots = CommandBuilder.AtLeast(0, parsed, _shots),
        ChainOfThought = parsed.GetValue(_works),
        Limit = CommandBuilder.AtLeast(1, parsed, _limit),
    });

    // A task that is named must be scored; `all` leaves out what cannot be, and says why.
    private IReadOnlyList<IBenchmark> BenchmarksOf(string[] names, string root, EvaluatorSettings settings)
    {
        if (names.Contains(All))
            return TaskRequirements.Met(root, settings, terminal.Say) is { Count: > 0 } met ? met
                : throw new BadInputException("--data", $"{root} has data of no task", "give the folder that holds the tasks' folders");
        List<IBenchmark> named = [.. names.Distinct().Select(BenchmarkCatalogue.Named)];
        return named.Select(benchmark => TaskRequirements.Lacking(benchmark, root, settings)).OfType<BadInputException>().FirstOrDefault() is { } lacking ? throw lacking : named;
    }
}
