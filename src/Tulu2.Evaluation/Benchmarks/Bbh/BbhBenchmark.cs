using Tulu2.Data.Benchmarks;
using Tulu2.Data.Python;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.Bbh;

/// <summary>
/// BIG-Bench Hard (Suzgun et al. 2022) as open-instruct runs it: 27 tasks after three worked examples each; the mean of the tasks' scores. Parity and fixed: docs/evaluation.md.
/// </summary>
public sealed class BbhBenchmark : Benchmark<BbhBenchmark.Item>
{
    /// <summary>Names of the metrics: as the original judges, and by the kind of the answer.</summary>
    public const string ExactMatch = "exact_match", AnswerMatch = "answer_match";

    private const string Tasks = "bbh", Prompts = "cot-prompts";
    private const int Seed = 42, Subset = 40, MaxTokens = 512, KnownTasks = 27, OwnShots = 3;

    /// <param name="Input">The question, which has the options in it.</param>
    /// <param name="Fits">The prompt fits into the model's context; others are not asked.</param>
    /// <param name="Shots">Number of examples in the prompt.</param>
    public sealed record Item(
        string Id, string Dataset, string Location, ModelPrompt Prompt, string Input, string Expected, GenerationOptions Options, EvaluationMode Mode, bool Fits, int Shots)
        : BenchmarkItem(Id, Dataset, Location);

    public override string Name => "bbh";

    public override string Summary => "BIG-Bench Hard: 27 tasks, 3 worked examples; mean of the tasks (parity: 40 questions of each)";

    public override string Folder => "bbh";

    public override int? PublishedItems(EvaluationMode mode) => mode == EvaluationMode.Parity ? KnownTasks * Subset : 6_511;

    public override PaperColumn? Column => PaperColumn.Bbh;

    protected override ScoreMean Mean => ScoreMean.OfDatasets;

    public override BenchmarkItems<Item> Read(BenchmarkInput input)
    {
        var folder = BenchmarkFolder.At(input.Path, Folder, Prompts);
        var tasks = folder.Names(Tasks, ".json");
        var room = new PromptRoom(input.Prompts);
        var random = new PythonRandom(Seed);
        var entries = new List<Entry>();
        foreach (var task in tasks)
        {
            // Each prompt is read before any question is drawn, so that a folder that lacks one is refused.
            var prompt = BbhPrompt.Read(folder, task);
            var examples = Examples(folder, task, prompt);
            // Python's random.sample, one stream over the tasks in order of their names.
            entries.AddRange(input.Options.Mode == EvaluationMode.Parity && examples.Count >= Subset
                ? random.Sample(examples.Count, Subset).Select(index => examples[index]) : examples);
        }
        return PromptItems.Of(input, entries, entry => entry.Where, entry => ItemOf(entry, input.Options, room), item => item.Fits);
    }

    public override IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<Item> items)
    {
        var tasks = items.Select(item => item.Dataset).Distinct().Count();
        if (input.Options.Limit is null && tasks != KnownTasks) yield return $"{NumberText.Count(tasks, "task")} of {KnownTasks}: another set of questions is drawn in parity, and the mean is another";
        var shots = input.Options.Shots ?? OwnShots;
        foreach (var remark in PromptRemarks.Of(input, items.Count(item => !item.Fits), items.Count(item => item.Shots < shots))) yield return remark;
    }

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) =>
        answers.Count == 0 && item.Fits ? new ModelRequest.Generate(item.Prompt, item.Options) : null;

    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers)
    {
        var output = answers.Count == 0 ? "" : ((ModelAnswer.Text)answers[0]).Value;
        var exact = BbhAnswer.IsExact(output, item.Expected);
        var matches = BbhAnswer.IsRight(output, item.Expected, item.Input, out var read);
        var (isRight, verdict) = item.Mode == EvaluationMode.Parity ? (exact, BbhAnswer.Original(output)) : (matches, read);
        return new ItemResult(isRight ? 1 : 0, new EvaluationSample(item.Prompt.Shown, item.Expected, output, isRight) { Verdict = verdict })
        {
            Metrics = new Dictionary<string, double> { [ExactMatch] = exact ? 1 : 0, [AnswerMatch] = matches ? 1 : 0 },
        };
    }

    public override IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores) => ScoreMeans.OfMetrics(scores, Mean);

    private static List<Entry> Examples(BenchmarkFolder folder, string task, BbhPrompt prompt)
    {
        var file = folder.Object($"{Tasks}/{task}.json", out var document);
        using (document)
        {
            var examples = file.List("examples").Select(example => new Entry(
                $"{task}/{example.Number}", task, example.Where, prompt, example.Text("input"), example.Text("target"))).ToList();
            return examples.Count > 0 ? examples : throw new BadInputException(file.Where, "has no examples", "fetch suzgunmirac/BIG-Bench-Hard's file again");
        }
    }

    private static Item ItemOf(Entry entry, BenchmarkOptions options, PromptRoom room)
    {
        var most = options.ShotsOf(OwnShots, entry.Prompt.Examples.Count);
        var shots = room.Shots(most, room.Context - 1, PromptOf);
        var prompt = PromptOf(shots);
        var generation = GenerationOptions.Greedy with { MaxTokens = options.MaxTokens ?? MaxTokens, Stop = Stops(options) };
        return new Item(entry.Id, entry.Task, entry.Where, prompt, entry.Input, entry.Target, generation, options.Mode, room.Holds(prompt), shots);

        ModelPrompt PromptOf(int count) => options.Prompt(entry.Prompt.Text(entry.Input, count, options.ChainOfThought ?? true, options.Mode), "A:", "\nA:");
    }

    // Without a template the original ends at the first empty line, which cuts reasoning in paragraphs.
    private static IReadOnlyList<string> Stops(BenchmarkOptions options) =>
        options.Chat ?? true ? [] : [options.Mode == EvaluationMode.Parity ? "\n\n" : "\n\nQ:"];

    private sealed record Entry(string Id, string Task, string Where, BbhPrompt Prompt, string Input, string Target);
}
