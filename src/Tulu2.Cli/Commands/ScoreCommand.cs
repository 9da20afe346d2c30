using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Execution;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>score TASK --outputs FILE [--verdicts FILE]</c>: the score of what another program generated or judged, without a model.</summary>
internal sealed class ScoreCommand(Terminal terminal)
{
    private const string DefaultModel = "stored";

    private readonly Argument<string> _task = CommandBuilder.Argument(
        "TASK", $"{string.Join(", ", BenchmarkCatalogue.WithTaskData.Select(benchmark => benchmark.Name))}");

    private readonly Option<string?> _outputs = CommandBuilder.Optional<string>("--outputs",
        "What a model generated: AlpacaEval's model_outputs.json, FastChat's model_answer, human-eval's {task_id, completion}, or lines of {id, output}");

    private readonly Option<string?> _verdicts = CommandBuilder.Optional<string>("--verdicts", "What a judge said of it: AlpacaEval's annotations.json, FastChat's model_judgment");
    private readonly Option<string?> _data = CommandBuilder.Optional<string>("--data", "Root of the task data; by default TULU2_DATA. Verdicts of AlpacaEval and MT-Bench need none");
    private readonly Option<EvaluationMode> _mode = CommandBuilder.Option("--mode", "parity: as the original scores; fixed: with its slips mended", EvaluationMode.Parity);
    private readonly Option<string?> _model = CommandBuilder.Optional<string>("--model-id", "The model, in a file that holds several");
    private readonly Option<int?> _limit = CommandBuilder.Optional<int?>("--limit", "As many items as `eval --limit` scored");
    private readonly Option<string?> _out = CommandBuilder.Optional<string>("--out", "Directory to write the result and its items to, as `eval` does");
    private readonly Option<bool> _unsafe = CommandBuilder.Flag("--unsafe-code-execution", "Run programs of the outputs without isolation where there is none");

    public Command Create() => CommandBuilder.Command("score", "Score stored outputs or verdicts, without a model",
        [_task, _outputs, _verdicts, _data, _mode, _model, _limit, _out, _unsafe], Run);

    private int Run(ParseResult parsed)
    {
        var benchmark = BenchmarkCatalogue.Named(parsed.GetValue(_task)!);
        var (outputs, verdicts) = (Existing(parsed, _outputs), Existing(parsed, _verdicts));
        if (outputs is null && verdicts is null) throw new BadInputException("--outputs", "is not given", "give --outputs FILE, --verdicts FILE, or both");
        if (verdicts is not null && !benchmark.IsJudged) throw new BadInputException("--verdicts", $"{benchmark.Name} has no judge", "give its outputs alone, with --outputs");
        var options = new BenchmarkOptions { Mode = parsed.GetValue(_mode), Limit = CommandBuilder.AtLeast(1, parsed, _limit) };
        using var runner = new CodeRunner(parsed.GetValue(_unsafe));
        var files = new StoredFiles(outputs, verdicts, InputOf(parsed, benchmark, options, verdicts is not null), parsed.GetValue(_model), runner) { Mode = options.Mode };
        var outcome = benchmark.ScoreStored(files, CancellationToken.None);
        var result = TaskResult.Of(benchmark, parsed.GetValue(_model) ?? DefaultModel, options, JudgeUse.Names(outcome.Judges), outcome.Scores) with { JudgeUse = outcome.Judges };
        if (parsed.GetValue(_out) is { } folder) new ResultFolder(Path.GetFullPath(folder)).Write(result, outcome.Scores);
        terminal.Human.Write(ScoreTable.Of(result));
        if (terminal.Json) terminal.Output.WriteLine(LineOf(benchmark, result));
        return ExitCode.Done;
    }

    private static string? Existing(ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } given) return null;
        return File.Exists(given) ? given : throw new BadInputException($"{option.Name} {given}", "there is no such file", "give the file that another program wrote");
    }

    // Verdicts have all that is needed: their items are read where their root is named. Outputs are scored on those of the environment's root too.
    private BenchmarkInput? InputOf(ParseResult parsed, IBenchmark benchmark, BenchmarkOptions options, bool hasVerdicts)
    {
        if (benchmark.Folder is not { } folder) throw new BadInputException(benchmark.Name, "is scored on rows of one's own, not on stored outputs", "use `tulu2 eval rows`");
        if (parsed.GetValue(_data) is { } root)
        {
            var path = Path.Combine(root, folder);
            return Directory.Exists(path) ? new BenchmarkInput(path, options, null)
                : throw new BadInputException($"--data {root}", $"has no folder {folder}", "give the root of the task data, in which each task has its folder");
        }
        return !hasVerdicts && Environment.GetEnvironmentVariable("TULU2_DATA") is { Length: > 0 } known && Directory.Exists(Path.Combine(known, folder))
            ? new BenchmarkInput(Path.Combine(known, folder), options, null)
            : null;
    }

    /// <summary>The last line: the score, and at the same level what the task's users report.</summary>
    internal static string LineOf(IBenchmark benchmark, TaskResult result)
    {
        var line = new JsonObject
        {
            ["task"] = result.Task,
            ["score"] = Number(result.Score),
            ["standard_error"] = Number(result.StandardError),
            ["items"] = result.Items,
        };
        foreach (var (name, value) in result.Metrics) line[name] = Number(value);
        if (result.Datasets.Count > 0) line[benchmark.Parts] = new JsonObject(result.Datasets.Select(part => KeyValuePair.Create(part.Name, Number(part.Score))));
        line["mode"] = result.Mode == EvaluationMode.Parity ? "parity" : "fixed";
        if (result.Judges.Count > 0) line["judges"] = new JsonObject(result.Judges.Select(judge => KeyValuePair.Create(judge.Key, (JsonNode?)judge.Value)));
        return line.ToJsonString(JsonLine.Options);
    }

    // A mean of nothing is null; counts have no decimal point.
    private static JsonNode? Number(double? value) => value is not { } number || double.IsNaN(number) ? null
        : double.IsInteger(number) && Math.Abs(number) < int.MaxValue ? JsonValue.Create((int)number)
        : JsonValue.Create(number);
}
