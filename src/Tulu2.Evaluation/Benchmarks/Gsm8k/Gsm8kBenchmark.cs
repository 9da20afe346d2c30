using System.Globalization;
using Tulu2.Data.Benchmarks;
using Tulu2.Data.Python;
using Tulu2.Evaluation.Benchmarks.Extraction;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.Gsm8k;

/// <summary>
/// GSM8K (Cobbe et al. 2021) as open-instruct runs it: word problems after eight worked examples; the last number of the output counts. Parity and fixed: docs/evaluation.md.
/// </summary>
public sealed class Gsm8kBenchmark : Benchmark<Gsm8kBenchmark.Item>
{
    /// <summary>Names of the metrics: as the original judges, and by the equality of numbers.</summary>
    public const string ExactMatch = "exact_match", NumericMatch = "numeric_match";

    private const string FileName = "test.jsonl";
    private const int Seed = 42, Subset = 200, MaxTokens = 512;

    /// <param name="Expected">The reference number, without commas.</param>
    /// <param name="Fits">The prompt fits into the model's context; others are not asked.</param>
    /// <param name="Shots">Number of examples in the prompt.</param>
    public sealed record Item(
        string Id, string Location, ModelPrompt Prompt, string Expected, GenerationOptions Options, EvaluationMode Mode, bool Fits, int Shots) : BenchmarkItem(Id, "", Location);

    public override string Name => "gsm8k";

    public override string Summary => "GSM8K: word problems, 8 worked examples; the last number is the answer (parity: 200 of 1,319)";

    public override string Folder => "gsm8k";

    public override int? PublishedItems(EvaluationMode mode) => mode == EvaluationMode.Parity ? Subset : 1_319;

    public override PaperColumn? Column => PaperColumn.Gsm8k;

    public override BenchmarkItems<Item> Read(BenchmarkInput input)
    {
        var options = input.Options;
        var problems = Problems(BenchmarkFolder.At(input.Path, Folder, FileName)).ToList();
        if (problems.Count == 0) throw new BadInputException(input.Path, $"{FileName} has no problem", "fetch openai/grade-school-math's test.jsonl again");
        var shots = options.ShotsOf(own: Gsm8kExamples.All.Count, Gsm8kExamples.All.Count);
        IReadOnlyList<Gsm8kExample> examples = [.. Gsm8kExamples.All.Take(shots)];
        if (options.Mode == EvaluationMode.Parity) (problems, examples) = Drawn(problems, shots);
        var room = new PromptRoom(input.Prompts);
        return PromptItems.Of(input, problems, problem => problem.Where, problem => ItemOf(problem, examples, options, room), item => item.Fits);
    }

    public override IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<Item> items) =>
        PromptRemarks.Of(input, items.Count(item => !item.Fits), items.Count(item => item.Shots < input.Options.ShotsOf(Gsm8kExamples.All.Count, Gsm8kExamples.All.Count)));

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) =>
        answers.Count == 0 && item.Fits ? new ModelRequest.Generate(item.Prompt, item.Options) : null;

    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers)
    {
        var output = answers.Count == 0 ? "" : ((ModelAnswer.Text)answers[0]).Value;
        var (exact, equal) = (Gsm8kAnswer.IsExact(output, item.Expected), Gsm8kAnswer.IsEqual(output, item.Expected));
        var (isRight, verdict) = item.Mode == EvaluationMode.Parity
            ? (exact, Gsm8kAnswer.Original(output))
            : (equal, NumberReading.Answer(output)?.ToString(CultureInfo.InvariantCulture) ?? "no number");
        return new ItemResult(isRight ? 1 : 0, new EvaluationSample(item.Prompt.Shown, item.Expected, output, isRight) { Verdict = verdict })
        {
            Metrics = new Dictionary<string, double> { [ExactMatch] = exact ? 1 : 0, [NumericMatch] = equal ? 1 : 0 },
        };
    }

    public override IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores) => ScoreMeans.OfMetrics(scores, Mean);

    // Python's random.sample, in the original's order of draws: the problems, then the examples where fewer than all are wanted.
    private static (List<Problem> Problems, IReadOnlyList<Gsm8kExample> Examples) Drawn(List<Problem> problems, int shots)
    {
        var random = new PythonRandom(Seed);
        if (problems.Count > Subset) problems = [.. random.Sample(problems.Count, Subset).Select(index => problems[index])];
        var all = Gsm8kExamples.All;
        return (problems, shots is 0 || shots == all.Count ? [.. all.Take(shots)] : [.. random.Sample(all.Count, shots).Select(index => all[index])]);
    }

    private static Item ItemOf(Problem problem, IReadOnlyList<Gsm8kExample> examples, BenchmarkOptions options, PromptRoom room)
    {
        var shots = room.Shots(examples.Count, room.Context - 1, PromptOf);
        var prompt = PromptOf(shots);
        var generation = GenerationOptions.Greedy with { MaxTokens = options.MaxTokens ?? MaxTokens, Stop = Stops(options) };
        return new Item(problem.Id, problem.Where, prompt, problem.Answer, generation, options.Mode, room.Holds(prompt), shots);

        ModelPrompt PromptOf(int count) => options.Prompt(Text([.. examples.Take(count)], problem.Question, options), "Answer:", "\nAnswer:");
    }

    // Without a template the original ends at the first line, which cuts worked answers of several lines.
    private static IReadOnlyList<string> Stops(BenchmarkOptions options) =>
        options.Chat ?? true ? [] : [options.Mode == EvaluationMode.Parity ? "\n" : "\n\nQuestion:"];

    private static string Text(IReadOnlyList<Gsm8kExample> examples, string question, BenchmarkOptions options)
    {
        var asked = $"Question: {PythonText.Strip(question)}";
        if (examples.Count == 0) return $"Answer the following question.\n\n{asked}";
        var works = options.ChainOfThought ?? true;
        // The original's slip in the examples without reasoning.
        var label = works || options.Mode == EvaluationMode.Fixed ? "Question" : "Quesion";
        var shown = examples.Select(example => $"{label}: {example.Question}\nAnswer: {(works ? example.Reasoning : example.Answer)}");
        return $"Answer the following questions.\n\n{string.Join("\n\n", shown)}\n\n{asked}";
    }

    private static IEnumerable<Problem> Problems(BenchmarkFolder folder)
    {
        foreach (var record in folder.Records(FileName))
        {
            var parts = record.Text("answer").Split("####");
            if (parts.Length < 2) throw new BadInputException(record.Where, "answer has no #### before its number", "fetch the benchmark's file again");
            var answer = Gsm8kAnswer.WithoutCommas(PythonText.Strip(parts[1]));
            if (NumberReading.Reference(answer) is null) throw new BadInputException(record.Where, $"the answer '{answer}' is not a number", "fetch the benchmark's file again");
            yield return new Problem($"test/{record.Number}", record.Where, record.Text("question"), answer);
        }
    }

    private sealed record Problem(string Id, string Where, string Question, string Answer);
}
