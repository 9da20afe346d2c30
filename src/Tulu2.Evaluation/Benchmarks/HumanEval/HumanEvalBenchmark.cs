using Tulu2.Data.Rows;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.HumanEval;

/// <summary>
/// HumanEval (Chen et al. 2021), the paper's Codex-Eval: functions completed from their signature and docstring, 20 samples each, run against their tests. The
/// score is pass@10 (open-instruct <c>eval/codex_humaneval/run_eval.py</c>; docs/reference/tulu2.md, section 7.5).
/// </summary>
public sealed class HumanEvalBenchmark : Benchmark<HumanEvalBenchmark.Item>
{
    public const string Pass1 = "pass@1";
    public const string Pass10 = "pass@10";

    private const int Samples = 20;
    private const int MaxTokens = 512;
    private const double ParitySeconds = 3;

    // The original's limit is on the wall clock: on a busy machine right programs miss it.
    private const double FixedSeconds = 10;

    private const string Question = "Complete the following python function.\n\n\n";
    private const string AnswerPrefix = "Here is the completed function:\n\n\n";

    // The five of the Codex paper (run_eval.py, stop): the first line of whatever follows the function.
    private static readonly string[] Stops = ["\nclass", "\ndef", "\n#", "\nif", "\nprint"];

    /// <param name="Prompt">Imports, helpers, signature and docstring.</param>
    /// <param name="Test">Source that defines <c>check(candidate)</c>.</param>
    /// <param name="Function">Name of the function.</param>
    /// <param name="Solution">The authors' completion.</param>
    /// <param name="Seed">Of the first sample.</param>
    public sealed record Item(string Id, string Location, string Prompt, string Test, string Function, string Solution, int Seed, BenchmarkOptions Options)
        : BenchmarkItem(Id, "", Location)
    {
        /// <summary>The prompt leaves room for an answer in the model's context. If not, it is not asked.</summary>
        public bool Fits { get; init; } = true;
    }

    public override string Name => "humaneval";

    public override string Summary => "functions from their docstrings, run against tests: pass@10 of 20 samples at temperature 0.8, raw prompts";

    public override string? Folder => "humaneval";

    public override int? PublishedItems(EvaluationMode mode) => 164;

    public override PaperColumn? Column => PaperColumn.CodexEval;

    public override bool RunsPrograms => true;

    public override BenchmarkItems<Item> Read(BenchmarkInput input)
    {
        var room = new PromptRoom(input.Prompts);
        var items = HumanEvalFile.Problems(input.Path).Select((problem, index) => new Item(
            problem.Id, problem.Location, problem.Prompt, problem.Test, problem.Function, problem.Solution, Samples * index, input.Options));
        return PromptItems.Of(input, items, item => item.Location, item => item with { Fits = room.Holds(Prompt(item)) }, item => item.Fits);
    }

    public override IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<Item> items)
    {
        foreach (var remark in PromptRemarks.Of(input, items.Count(item => !item.Fits), 0)) yield return remark;
        if (input.Options.Shots is > 0) yield return "--shots has no effect: HumanEval's prompts hold no examples";
        if (input.Options.Mode == EvaluationMode.Parity)
            yield return $"{Pass1} is estimated from samples at temperature 0.8; the paper's own is at 0.1";
    }

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) => answers.Count switch
    {
        0 when item.Fits => new ModelRequest.Generate(Prompt(item), new GenerationOptions
        {
            Count = Samples,
            Temperature = 0.8,
            TopP = 0.95,
            MaxTokens = item.Options.MaxTokens ?? MaxTokens,
            Stop = Stops,
            Seed = item.Seed,
        }),
        1 => new ModelRequest.Execute([.. ((ModelAnswer.Text)answers[0]).Values.Select(completion => Program(item, completion))]),
        _ => null,
    };

    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers)
    {
        if (answers.Count == 0)
        {
            var unasked = new EvaluationSample(Prompt(item).Shown, item.Solution, "", false) { Verdict = "the prompt does not fit into the model's context" };
            return new ItemResult(0, unasked) { Metrics = new Dictionary<string, double> { [Pass1] = 0, [Pass10] = 0 } };
        }
        var (texts, runs) = (((ModelAnswer.Text)answers[0]).Values, ((ModelAnswer.Runs)answers[1]).Values);
        var correct = runs.Count(run => run.Passed);
        var metrics = new Dictionary<string, double> { [Pass1] = PassAtK.Estimate(runs.Count, correct, 1) };
        if (runs.Count >= 10) metrics[Pass10] = PassAtK.Estimate(runs.Count, correct, 10);
        // The first failure says more than the first sample.
        var shown = runs.Select((run, index) => (run, index)).FirstOrDefault(sample => !sample.run.Passed).index;
        var verdict = $"{correct} of {NumberText.Count(runs.Count, "sample")} passed; number {shown + 1}: {runs[shown].Why}";
        var sample = new EvaluationSample(Prompt(item).Shown, item.Solution, texts[shown], correct > 0) { Verdict = verdict };
        return new ItemResult(metrics.GetValueOrDefault(Pass10, metrics[Pass1]), sample) { Metrics = metrics };
    }

    public override IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores) => new[] { Pass1, Pass10 }
        .Where(name => scores.All(score => score.Metrics.ContainsKey(name)))
        .ToDictionary(name => name, name => scores.Average(score => score.Metrics[name]));

    /// <summary>
    /// Lines of <c>{"task_id", "completion"}</c>. The score is pass@10 where every problem has ten samples, else pass@1.
    /// </summary>
    public override EvaluationOutcome ScoreStored(StoredFiles files, CancellationToken cancellation)
    {
        var outputs = files.Outputs ?? throw new BadInputException("--outputs", "is not given", "give the file of completions");
        var input = files.Input ?? throw new BadInputException("--data", $"is not given, but {Name} needs its problems", "give the root of the task data");
        var runner = files.Runner ?? throw new InvalidOperationException("there is no runner of programs");
        var completions = HumanEvalFile.Completions(outputs);
        var known = Read(input).Items.Select(item => item.Id).ToHashSet();
        if (completions.Keys.FirstOrDefault(id => !known.Contains(id)) is { } unknown)
            throw new BadInputException(outputs, $"has a completion of '{unknown}', which is no problem of {input.Path}",
                "give the completions of these problems");
        var items = this.ReadWithin(input).Items.Cast<Item>().ToList();
        if (items.FirstOrDefault(item => !completions.ContainsKey(item.Id)) is { } missing)
            throw new BadInputException(outputs, $"has no completion of '{missing.Id}' ({missing.Location})",
                "complete all problems, if only by an empty text");
        var programs = items.SelectMany(item => completions[item.Id].Select(completion => Program(item, completion))).ToList();
        var runs = runner.Run(programs, cancellation);
        var results = new List<ItemResult>(items.Count);
        var first = 0;
        foreach (var item in items)
        {
            var texts = completions[item.Id];
            results.Add(Score(item, [new ModelAnswer.Text(texts), new ModelAnswer.Runs([.. runs.Skip(first).Take(texts.Count)])]));
            first += texts.Count;
        }
        var metric = results.All(result => result.Metrics.ContainsKey(Pass10)) ? Pass10 : Pass1;
        return new EvaluationOutcome($"{Name}:{outputs}", [.. items.Zip(results, (item, result) =>
            new ItemScore(item.Id, item.Dataset, result.Metrics[metric]) { Metrics = result.Metrics, Sample = result.Sample })]);
    }

    internal static CodeProgram Program(Item item, string completion)
    {
        var (text, seconds) = item.Options.Mode == EvaluationMode.Fixed
            ? (Completion.Mend(completion, item.Function), FixedSeconds)
            : (completion, ParitySeconds);
        return new CodeProgram($"{item.Prompt}{text}\n", $"{item.Test}\ncheck({item.Function})\n", seconds)
        {
            Function = item.Function,
            // Some tests call helpers of the prompt. The function itself, which the prompt only begins, is the program's.
            Context = $"{item.Prompt}\n    pass\n",
        };
    }

    // Tuned models, too, get the prompt raw: so did the paper's (spec 7.5).
    private static ModelPrompt Prompt(Item item) => item.Options.Chat == true
        ? new ModelPrompt.Chat([new Message(Message.User, Question + item.Prompt)], AnswerPrefix + item.Prompt)
        {
            KeepsSpace = item.Options.Mode == EvaluationMode.Parity,
        }
        : new ModelPrompt.Raw(item.Prompt);
}
