using Tulu2.Data.Benchmarks;
using Tulu2.Data.Python;
using Tulu2.Evaluation.Benchmarks.Extraction;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.Mmlu;

/// <summary>
/// MMLU (Hendrycks et al. 2021) as open-instruct runs it: which of four letters is the likeliest next token; the share of all questions. Parity and fixed: docs/evaluation.md.
/// </summary>
public sealed class MmluBenchmark : Benchmark<MmluBenchmark.Item>
{
    // In tokens, without the beginning token.
    private const int LongestPrompt = 2048;
    private const int KnownSubjects = 57, MostShots = 5;
    private const string Test = "test", Dev = "dev", Prefix = "The answer is:";

    private static readonly string[] NextTexts = [.. MmluSubject.Letters.Select(letter => $" {letter}")];

    /// <param name="Question">Question, choices and the line <c>Answer:</c>.</param>
    /// <param name="Choices">Texts of the four choices.</param>
    /// <param name="Options">How the prompt is made.</param>
    /// <param name="Fits">The prompt fits into the model's context; others are not asked.</param>
    /// <param name="Shots">Number of examples in the prompt.</param>
    /// <param name="Dropped">Fewer examples than asked for.</param>
    public sealed record Item(
        string Id, string Location, MmluSubject Subject, string Question, IReadOnlyList<string> Choices, char Expected, BenchmarkOptions Options, bool Fits, int Shots, bool Dropped)
        : BenchmarkItem(Id, Subject.Name, Location)
    {
        // Made when it is needed: examples of a subject are the same for all its questions, and long.
        internal ModelPrompt Prompt => PromptOf(Subject, Question, Shots, Options);
    }

    public override string Name => "mmlu";

    public override string Summary => "MMLU: 57 subjects, four choices, 0 examples (--shots 5); the likeliest letter, share of all questions";

    public override string Folder => "mmlu";

    public override int? PublishedItems(EvaluationMode mode) => 14_042;

    public override PaperColumn? Column => PaperColumn.Mmlu;

    public override BenchmarkItems<Item> Read(BenchmarkInput input)
    {
        var folder = BenchmarkFolder.At(input.Path, Folder, Test);
        var options = input.Options;
        var room = new PromptRoom(input.Prompts);
        var wanted = options.ShotsOf(own: 0, MostShots);
        var entries = new List<(MmluSubject Subject, MmluQuestion Question, int Shots)>();
        foreach (var name in folder.Names(Test, "_test.csv"))
        {
            IReadOnlyList<MmluQuestion> examples = wanted == 0 ? [] : [.. MmluSubject.Read(folder, Dev, name, options.Mode).Take(wanted)];
            var subject = new MmluSubject(name, examples, options.Mode);
            entries.AddRange(MmluSubject.Read(folder, Test, name, options.Mode).Select(question => (subject, question, subject.Examples)));
        }
        return PromptItems.Of(input, entries, entry => entry.Question.Where, entry => ItemOf(entry.Subject, entry.Question, options, room), item => item.Fits);
    }

    public override IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<Item> items)
    {
        var subjects = items.Select(item => item.Dataset).Distinct().Count();
        if (input.Options.Limit is null && subjects != KnownSubjects) yield return $"{NumberText.Count(subjects, "subject")} of {KnownSubjects}";
        var limit = input.Options.Mode == EvaluationMode.Parity && input.Prompts?.ContextLength > LongestPrompt ? $"the original's {LongestPrompt:N0} tokens" : "the model's context";
        foreach (var remark in PromptRemarks.Of(input, items.Count(item => !item.Fits), items.Count(item => item.Dropped), limit)) yield return remark;
    }

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) =>
        answers.Count == 0 && item.Fits ? new ModelRequest.NextTokens(item.Prompt, NextTexts) : null;

    /// <summary>Of the model itself the likeliest letter, the first of equal ones; of a stored text what <see cref="Letter"/> reads.</summary>
    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers)
    {
        var (letter, output, verdict) = answers switch
        {
            [ModelAnswer.LogProbabilities given] => Likeliest(given.Values),
            [ModelAnswer.Text stored] => Read(stored.Value, item),
            _ => ((char?)null, "", "not asked"),
        };
        var isRight = letter == item.Expected;
        return new ItemResult(isRight ? 1 : 0, new EvaluationSample(item.Prompt.Shown, item.Expected.ToString(), output, isRight) { Verdict = verdict });
    }

    /// <summary>Means over the questions of the four categories and the 17 fields, and the mean over subjects.</summary>
    public override IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores)
    {
        var metrics = new SortedDictionary<string, double>(StringComparer.Ordinal)
        {
            ["micro"] = ScoreMeans.Mean(scores, ScoreMean.OfItems, score => score.Value),
            ["macro"] = ScoreMeans.Mean(scores, ScoreMean.OfDatasets, score => score.Value),
        };
        foreach (var field in scores.Where(score => MmluSubjects.Fields.ContainsKey(score.Dataset)).GroupBy(score => MmluSubjects.Fields[score.Dataset]))
            metrics[$"field/{field.Key}"] = field.Average(score => score.Value);
        foreach (var category in scores.Where(score => MmluSubjects.Fields.ContainsKey(score.Dataset)).GroupBy(score => MmluSubjects.Categories[MmluSubjects.Fields[score.Dataset]]))
            metrics[$"category/{category.Key}"] = category.Average(score => score.Value);
        return metrics;
    }

    /// <summary>
    /// The letter that a text gives: in parity the stripped text itself, as open-instruct takes it of models behind an API; fixed: a letter in any dress, or a choice's text.
    /// </summary>
    internal static char? Letter(string output, IReadOnlyList<string> choices, EvaluationMode mode)
    {
        if (mode == EvaluationMode.Fixed) return OptionReading.Answer(output, MmluSubject.Letters.Zip(choices).ToDictionary(pair => pair.First, pair => pair.Second));
        return PythonText.Strip(output) is [var letter] && MmluSubject.Letters.Contains(letter, StringComparison.Ordinal) ? letter : null;
    }

    private static (char? Letter, string Output, string Verdict) Read(string text, Item item)
    {
        var letter = Letter(text, item.Choices, item.Options.Mode);
        return (letter, text, letter?.ToString() ?? "no letter");
    }

    private static (char? Letter, string Output, string Verdict) Likeliest(IReadOnlyList<float> values)
    {
        var best = 0;
        for (var index = 1; index < values.Count; index++)
            if (values[index] > values[best]) best = index;
        var letter = MmluSubject.Letters[best];
        var shares = MmluSubject.Letters.Zip(values, (choice, value) => $"{choice} {NumberText.Percent(Math.Exp(value))}");
        return (letter, letter.ToString(), string.Join(", ", shares));
    }

    private static Item ItemOf(MmluSubject subject, MmluQuestion question, BenchmarkOptions options, PromptRoom room)
    {
        // The original drops examples of a longer prompt one by one, and never ends where even without examples it is longer.
        var limit = Math.Min(options.Mode == EvaluationMode.Parity ? LongestPrompt + 1 : int.MaxValue, room.Context - 1);
        var shots = room.Shots(subject.Examples, limit, PromptWith);
        return new Item($"{subject.Name}/{question.Number}", question.Where, subject, question.Text, [.. question.Texts.Skip(1)], question.Answer, options,
            room.Holds(PromptWith(shots)), shots, shots < subject.Examples);

        ModelPrompt PromptWith(int count) => PromptOf(subject, question.Text, count, options);
    }

    private static ModelPrompt PromptOf(MmluSubject subject, string question, int shots, BenchmarkOptions options) =>
        options.Prompt(subject.Prompt(question, shots), Prefix, rawEnd: "");
}
