using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>eval --model DIR --data FILE</c>: exact match on instruction rows, accuracy on preference pairs.</summary>
internal sealed class EvalCommand(Terminal terminal)
{
    private readonly Option<string> _model = CommandBuilder.Required<string>("--model", "Hugging Face directory");
    private readonly Option<string> _data = CommandBuilder.Required<string>("--data", "Instruction rows or preference pairs");
    private readonly Option<int> _evaluators = CommandBuilder.Option("--evaluators", "Number of parallel evaluators", Environment.ProcessorCount);

    private readonly Option<int?> _maxTokens = CommandBuilder.Optional<int?>("--max-tokens", "Maximum number of tokens to generate per answer; by default as many as the expected answer can have");
    private readonly Option<bool> _skipLong = CommandBuilder.Flag("--skip-long", "Skip rows that do not fit into the model's context");
    private readonly Option<bool> _keepWholeRows = CommandBuilder.Flag("--keep-whole-rows", "Score the rows of a damaged file that precede the damage");

    public Command Create() => CommandBuilder.Command("eval", "Score a model on a row file",
        [_model, _data, _evaluators, _maxTokens, _skipLong, _keepWholeRows], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (model, file) = (Path.GetFullPath(parsed.GetValue(_model)!), FilePatterns.One(parsed.GetValue(_data)!));
        if (parsed.GetValue(_evaluators) < 1) throw new BadInputException("--evaluators", $"{parsed.GetValue(_evaluators)} is below 1", "use 1 or more");
        var limits = new EvaluationLimits(parsed.GetValue(_maxTokens), parsed.GetValue(_skipLong), parsed.GetValue(_keepWholeRows));
        if (limits.MaxTokens < 1) throw new BadInputException("--max-tokens", $"{limits.MaxTokens} is below 1", "use 1 or more");
        var kind = RowKinds.Of(file) == RowKind.Preferences ? EvaluationKind.Preference : EvaluationKind.ExactMatch;
        if (kind == EvaluationKind.Preference && limits.MaxTokens is not null)
            terminal.Say("--max-tokens has no effect: for preference pairs nothing is generated");
        foreach (var remark in LoadedModel.Check(model)) terminal.Say(remark);
        await using var node = new LocalNode();
        var table = new EvaluationTable();
        var job = new EvaluationJob(Path.GetFileName(model), kind, model, file) { Limits = limits };
        var plan = await new EvaluationRunner(terminal, node).RunAsync(job, parsed.GetValue(_evaluators), null, table, cancellation);
        var scores = table.Scores();
        var shown = new Table().AddColumns("benchmark", "dataset", "items", "score");
        foreach (var score in scores)
            shown.AddRow(Markup.Escape(score.Benchmark), Markup.Escape(score.Dataset == "" ? "all" : score.Dataset), $"{score.Items}",
                NumberText.Percent(score.Score / score.Items));
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
                LeftOut = plan.LeftOut.Count(fault => fault.Kind != RowFaultKind.DamagedFile),
                DamagedFiles = plan.LeftOut.Count(fault => fault.Kind == RowFaultKind.DamagedFile),
                Score = whole.Score / whole.Items,
                Datasets = scores.Where(score => score.Dataset != "").ToDictionary(score => score.Dataset, score => score.Score / score.Items),
            }));
        }
        return ExitCode.Done;
    }
}
