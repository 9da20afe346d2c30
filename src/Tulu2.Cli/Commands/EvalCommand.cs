using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Evaluations;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;

namespace Tulu2.Cli.Commands;

/// <summary><c>eval --model DIR --data FILE</c>: exact match on instruction rows, accuracy on preference pairs.</summary>
internal sealed class EvalCommand(Terminal terminal)
{
    private readonly Option<string> _model = CommandBuilder.Required<string>("--model", "Hugging Face directory");
    private readonly Option<string> _data = CommandBuilder.Required<string>("--data", "Instruction rows or preference pairs");
    private readonly Option<int> _evaluators = CommandBuilder.Option("--evaluators", "Evaluators at work at the same time", Environment.ProcessorCount);

    public Command Create() => CommandBuilder.Command("eval", "Score a model on a row file", [_model, _data, _evaluators], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (model, file) = (Path.GetFullPath(parsed.GetValue(_model)!), FilePatterns.One(parsed.GetValue(_data)!));
        if (parsed.GetValue(_evaluators) < 1) throw new BadInputException("--evaluators", $"{parsed.GetValue(_evaluators)} is below 1", "use 1 or more");
        var kind = FileKind.Of(file);
        foreach (var remark in LoadedModel.Check(model)) terminal.Say(remark);
        await using var node = new LocalNode();
        var table = new EvaluationTable();
        await new EvaluationRunner(terminal, node)
            .RunAsync(new EvaluationJob(Path.GetFileName(model), kind, model, file), parsed.GetValue(_evaluators), null, table, cancellation);
        var scores = table.Scores();
        var shown = new Table().AddColumns("benchmark", "dataset", "items", "score");
        foreach (var score in scores)
            shown.AddRow(Markup.Escape(score.Benchmark), Markup.Escape(score.Dataset == "" ? "all" : score.Dataset), $"{score.Items}",
                Figures.Percent(score.Score / score.Items));
        terminal.Human.Write(shown);
        if (terminal.Json)
        {
            var whole = scores.First(score => score.Dataset == "");
            terminal.Output.WriteLine(JsonLine.Of(new
            {
                Model = model,
                Data = file,
                Kind = kind,
                whole.Items,
                Score = whole.Score / whole.Items,
                Datasets = scores.Where(score => score.Dataset != "").ToDictionary(score => score.Dataset, score => score.Score / score.Items),
            }));
        }
        return ExitCode.Done;
    }
}
