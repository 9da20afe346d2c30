using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Speed;
using Tulu2.Files;
using Tulu2.Models.Inference;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary>
/// <c>bench generate</c>: tokens/s of generation relative to what reading the weights and multiplying by them takes, and what the reuse of prefixes saves.
/// </summary>
internal sealed class BenchGenerateCommand(Terminal terminal)
{
    // Weights of more than any cache, a minute on two cores.
    private static readonly SmallerShape Shape = new(Hidden: 1024, Feed: 2816, Vocabulary: 32000) { Layers = 12 };
    private static readonly (string Name, InferenceForm Form)[] Forms = [("fp32", InferenceForm.Single), ("bf16", InferenceForm.Brain),
        ("nf4", InferenceForm.Nf4)];

    private readonly BenchShape _shape = new();
    private readonly Option<string?> _model = CommandBuilder.Optional<string>("--model",
        "Measure this model, with its weights as its files hold them, in place of a random one of the given shape");
    private readonly Option<int[]> _batches = Several("--batch", "Answers at a time", 1, 4, 16);
    private readonly Option<string[]> _forms = Several("--forms", "How the random weights are held", [.. Forms.Select(form => form.Name)]);
    private readonly Option<int> _threads = CommandBuilder.Option("--threads", "Threads that compute", 1);
    private readonly Option<int> _prompt = CommandBuilder.Option("--prompt-tokens", "Length of each prompt", 64);
    private readonly Option<int> _tokens = CommandBuilder.Option("--tokens", "Tokens of each answer", 48);
    private readonly Option<int> _rounds = CommandBuilder.Option("--rounds", "Rounds of measurements, in turns; medians are shown", 3);
    private readonly Option<int> _questions = CommandBuilder.Option("--questions", "Questions after a common prefix of 640 tokens; 0: none", 24);

    public Command Create() => CommandBuilder.Command("generate",
        "Tokens/s of generation in fp32, bf16 and NF4, beside the time that reading the weights and multiplying by them takes; MMLU-like questions with and without reuse of their prefix",
        [_model, .. _shape.Symbols, _batches, _forms, _threads, _prompt, _tokens, _rounds, _questions], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        foreach (var option in (Option<int>[])[_threads, _prompt, _tokens, _rounds]) CommandBuilder.AtLeastOne(parsed, option);
        if (parsed.GetValue(_tokens) < 2) throw new BadInputException("--tokens", "is below 2", "time passes between two tokens");
        if (parsed.GetValue(_batches)!.Any(batch => batch is < 1 or > 1024)) throw new BadInputException("--batch", "a value is not within 1 and 1024",
            "use smaller or larger ones");
        if (parsed.GetValue(_forms)!.FirstOrDefault(name => Forms.All(form => form.Name != name)) is { } unknown) throw new BadInputException("--forms",
            $"there is no form '{unknown}'", "use fp32, bf16, nf4");
        var (measured, prefixes) = await ProgressDisplay.RunAsync(terminal, "bench generate", report => Measure(parsed, report, cancellation), cancellation);
        var table = new Table().AddColumns("weights", "batch", "threads", "tokens/s", "prompt tokens/s", "GB read a step", "read GB/s", "product GFLOP/s",
            "of the bound");
        foreach (var result in measured)
            table.AddRow(result.Form, $"{result.Batch}", $"{result.Threads}", $"{result.TokensPerSecond:F1}", $"{result.PromptTokensPerSecond:F0}",
                $"{result.WeightBytes / 1e9:F3}",
                $"{result.ReadBytesPerSecond / 1e9:F1}", $"{result.ProductFlops / 1e9:F0}", NumberText.Percent(result.BoundShare, 0));
        terminal.Human.Write(table);
        terminal.WriteHuman("of the bound: the time to read the weights once or to multiply by them, whichever is longer, relative to a step's");
        foreach (var prefix in prefixes)
            terminal.WriteHuman($"{prefix.Form}: {prefix.Questions} questions of {prefix.QuestionTokens} tokens after {prefix.PrefixTokens}: "
                + $"{prefix.Seconds:F2} s, {prefix.SecondsWithoutReuse:F2} s without reuse, {prefix.Factor:F1} times");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { Generation = measured, Prefixes = prefixes }));
        return ExitCode.Done;
    }

    private (IReadOnlyList<GenerationMeasurement> Generation, IReadOnlyList<PrefixMeasurement> Prefixes) Measure(
        ParseResult parsed, Action<ProgressSnapshot> report, CancellationToken cancellation)
    {
        var models = new List<(string Name, InferenceModel Model)>();
        using var loaded = parsed.GetValue(_model) is { } directory ? LoadedModel.Load(directory) : null;
        try
        {
            if (loaded is not null) models.Add(("as stored", loaded.Model));
            else
                foreach (var name in parsed.GetValue(_forms)!.Distinct())
                    models.Add((name, InferenceModel.Random(_shape.Model(parsed, Shape).Config, 1, Forms.Single(form => form.Name == name).Form)));
            return Measure(parsed, models, report, cancellation);
        }
        finally
        {
            if (loaded is null)
                foreach (var (_, model) in models) model.Dispose();
        }
    }

    private (IReadOnlyList<GenerationMeasurement>, IReadOnlyList<PrefixMeasurement>) Measure(
        ParseResult parsed, List<(string Name, InferenceModel Model)> models, Action<ProgressSnapshot> report, CancellationToken cancellation)
    {
        var (threads, rounds, batches, questions) = (parsed.GetValue(_threads), parsed.GetValue(_rounds), parsed.GetValue(_batches)!,
            parsed.GetValue(_questions));
        var results = new List<GenerationMeasurement>();
        var all = rounds * models.Count * batches.Length + models.Count;
        for (var round = 0; round < rounds; round++)
        {
            var product = GenerationBenchmark.ProductRate();
            foreach (var (name, model) in models)
                foreach (var batch in batches)
                {
                    cancellation.ThrowIfCancellationRequested();
                    report(new ProgressSnapshot(results.Count, all));
                    results.Add(GenerationBenchmark.Run(model, name, batch, threads, parsed.GetValue(_prompt), parsed.GetValue(_tokens), product));
                }
        }
        var prefixes = questions < 1 ? [] : models.Select(model => GenerationBenchmark.RunPrefix(model.Model, model.Name, threads, questions, 640,
            48)).ToList();
        report(new ProgressSnapshot(all, all));
        return ([.. results.GroupBy(result => (result.Form, result.Batch)).Select(group =>
            group.OrderBy(result => result.TokensPerSecond).ElementAt(group.Count() / 2))], prefixes);
    }

    private static Option<T[]> Several<T>(string name, string description, params T[] otherwise)
    {
        var option = CommandBuilder.Option(name, description, otherwise);
        option.AllowMultipleArgumentsPerToken = true;
        return option;
    }
}
