using Tulu2.Data.Benchmarks;
using Tulu2.Data.Python;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.TydiQa;

/// <summary>
/// TyDi QA with the gold passage (Clark et al. 2020) as open-instruct runs it: an answer from a passage, after one example in the same language; the mean over nine languages of
/// SQuAD's F1. Parity and fixed: docs/evaluation.md.
/// </summary>
public sealed class TydiQaBenchmark : Benchmark<TydiQaBenchmark.Item>
{
    /// <summary>Names of the metrics.</summary>
    public const string F1 = "f1", ExactMatch = "exact_match";

    private const int Seed = 42, Subset = 100, MaxTokens = 50, OwnShots = 1, MostShots = 5, KnownLanguages = 9;

    /// <param name="Fits">The prompt fits into the model's context; others are not asked.</param>
    /// <param name="Shots">Number of examples in the prompt.</param>
    public sealed record Item(
        string Id, string Dataset, string Location, ModelPrompt Prompt, IReadOnlyList<string> Expected, GenerationOptions Options, EvaluationMode Mode, bool Fits, int Shots)
        : BenchmarkItem(Id, Dataset, Location);

    public override string Name => "tydiqa";

    public override string Summary => "TyDi QA, gold passage: nine languages, 1 example; SQuAD's F1, mean of the languages (parity: 100 questions of each)";

    public override string Folder => "tydiqa";

    public override int? PublishedItems(EvaluationMode mode) => mode == EvaluationMode.Parity ? KnownLanguages * Subset : 5_077;

    public override PaperColumn? Column => PaperColumn.TydiQa;

    protected override ScoreMean Mean => ScoreMean.OfDatasets;

    public override BenchmarkItems<Item> Read(BenchmarkInput input)
    {
        var options = input.Options;
        var folder = BenchmarkFolder.At(input.Path, Folder, TydiQaFiles.Probe(input.Path));
        var questions = TydiQaFiles.Read(folder, TydiQaFiles.Dev, TydiQaLanguage.All.Select(language => language.Name));
        if (questions.Count == 0)
            throw new BadInputException(folder.Path, "has no question: neither tydiqa-goldp-v1.1-dev.json nor a LANGUAGE_tydiqa_dev.json is there, packed or not", "put TyDi QA's gold-passage files there");
        var languages = questions.Select(question => question.Language).Distinct().Order(StringComparer.Ordinal)
            .Select(name => TydiQaLanguage.Of(name, folder.Path)).ToList();
        var (drawn, examples) = Draw(folder, questions, languages, options);
        var (cut, room) = (new PassageCut(input.Prompts, options.Mode), new PromptRoom(input.Prompts));
        var shown = examples.ToDictionary(pair => pair.Key, pair => pair.Value.Select(example => (cut.Cut(example.Passage), example.Question, example.Answers[0])).ToList());
        var known = languages.ToDictionary(language => language.Name);
        return PromptItems.Of(input, drawn, question => question.Where,
            question => ItemOf(question, known[question.Language], shown[question.Language], cut, room, options), item => item.Fits);
    }

    public override IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<Item> items)
    {
        var languages = items.Select(item => item.Dataset).Distinct().Count();
        if (input.Options.Limit is null && languages != KnownLanguages) yield return $"{NumberText.Count(languages, "language")} of {KnownLanguages}: the mean is another";
        var shots = input.Options.ShotsOf(OwnShots, MostShots);
        var without = items.GroupBy(item => item.Dataset).Where(language => shots > 0 && language.All(item => item.Shots == 0)).Select(language => language.Key).ToList();
        if (without.Count > 0) yield return $"without an example in {string.Join(", ", without)}: no LANGUAGE_tydiqa_train.json there, or too long; figures of the paper have one";
        foreach (var remark in PromptRemarks.Of(input, items.Count(item => !item.Fits), items.Count(item => item.Shots < shots && !without.Contains(item.Dataset)))) yield return remark;
    }

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) =>
        answers.Count == 0 && item.Fits ? new ModelRequest.Generate(item.Prompt, item.Options) : null;

    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers)
    {
        var output = answers.Count == 0 ? "" : ((ModelAnswer.Text)answers[0]).Value;
        var answer = PythonText.Strip(output);
        var (f1, exact) = SquadMetric.Score(answer, item.Expected, item.Mode, item.Dataset);
        var sample = new EvaluationSample(item.Prompt.Shown, string.Join(" | ", item.Expected.Distinct()), output, exact > 0) { Verdict = answer };
        return new ItemResult(f1, sample) { Metrics = new Dictionary<string, double> { [F1] = f1, [ExactMatch] = exact } };
    }

    public override IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores) => ScoreMeans.OfMetrics(scores, Mean);

    // The original's order of draws with Python's random.sample: the questions of each language by name, then the examples of each. Where a training file is not there, its
    // known length keeps the draws of the languages after it what they are.
    private static (IReadOnlyList<TydiQaQuestion> Questions, IReadOnlyDictionary<string, IReadOnlyList<TydiQaQuestion>> Examples) Draw(
        BenchmarkFolder folder, IReadOnlyList<TydiQaQuestion> questions, IReadOnlyList<TydiQaLanguage> languages, BenchmarkOptions options)
    {
        var random = new PythonRandom(Seed);
        var drawn = new List<TydiQaQuestion>();
        foreach (var language in languages)
        {
            var own = questions.Where(question => question.Language == language.Name).ToList();
            drawn.AddRange(options.Mode == EvaluationMode.Parity && own.Count > Subset ? random.Sample(own.Count, Subset).Select(index => own[index]) : own);
        }
        var shots = options.ShotsOf(OwnShots, MostShots);
        var train = shots == 0 ? [] : TydiQaFiles.Read(folder, TydiQaFiles.Train, languages.Select(language => language.Name));
        var examples = new Dictionary<string, IReadOnlyList<TydiQaQuestion>>();
        foreach (var language in languages)
        {
            var own = train.Where(question => question.Language == language.Name).ToList();
            if (own.Count == 0 && shots > 0 && options.Shots is not null)
                throw new BadInputException(TydiQaFiles.MissingTrain(folder, language.Name), $"no such file, nor packed: examples in {language.Name} are drawn from it", "put it there, or use --shots 0");
            var indices = shots == 0 ? [] : random.Sample(own.Count > 0 ? own.Count : language.Examples, Math.Min(shots, own.Count > 0 ? own.Count : shots));
            examples[language.Name] = own.Count == 0 ? [] : [.. indices.Select(index => own[index])];
        }
        return (drawn, examples);
    }

    private static Item ItemOf(
        TydiQaQuestion question, TydiQaLanguage language, IReadOnlyList<(string Passage, string Question, string Answer)> examples, PassageCut cut, PromptRoom room, BenchmarkOptions options)
    {
        var passage = cut.Cut(question.Passage);
        var shots = room.Shots(examples.Count, room.Context - 1, PromptOf);
        var prompt = PromptOf(shots);
        // Without a template the answer ends with its line.
        var generation = GenerationOptions.Greedy with { MaxTokens = options.MaxTokens ?? MaxTokens, Stop = options.Chat ?? true ? [] : ["\n"] };
        return new Item(question.Id, question.Language, question.Where, prompt, question.Answers, generation, options.Mode, room.Holds(prompt), shots);

        ModelPrompt PromptOf(int count) => options.Prompt(language.Prompt(examples.Take(count), passage, question.Question), language.Answer, language.Answer);
    }
}
