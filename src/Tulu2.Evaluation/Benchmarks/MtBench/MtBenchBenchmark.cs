using Tulu2.Data.Rows;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Benchmarks.MtBench;

/// <summary>
/// MT-Bench (lm-sys/FastChat <c>llm_judge</c>), single-answer grading: a model answers 80 questions and a further one on each answer, and a judge grades both
/// answers from 1 to 10. The score is the mean of the grades; those that cannot be read are counted and left out.
/// </summary>
public sealed class MtBenchBenchmark : Benchmark<MtBenchBenchmark.Item>
{
    /// <summary>Role of the judge.</summary>
    public const string Grades = "grades";

    private const int AnswerTokens = 1024, VerdictTokens = 2048;

    // transformers cuts sampling to the 50 likeliest tokens unless told otherwise, and FastChat does not tell it.
    private const int ParityTopK = 50;

    /// <param name="Turns">[2] the questions.</param>
    /// <param name="References">[2] answers that the judge compares with; null: the category has none.</param>
    /// <param name="Prompts">[2] how the judge is asked about the first and the second answer.</param>
    public sealed record Item(
        string Id, string Dataset, string Location, IReadOnlyList<string> Turns, IReadOnlyList<string>? References, IReadOnlyList<GradePrompt> Prompts,
        EvaluationMode Mode, bool Chat, int MaxTokens) : BenchmarkItem(Id, Dataset, Location);

    public override string Name => "mt_bench";

    public override string Summary => "80 dialogues of two turns in 8 categories; mean grade from 1 to 10 by a judge";

    public override string? Folder => "mt_bench";

    public override int? PublishedItems(EvaluationMode mode) => 80;

    public override PaperColumn? Column => PaperColumn.MtBench;

    public override ScoreUnit Unit => ScoreUnit.Grade;

    public override string Parts => "categories";

    public override IReadOnlyList<string> Judges => [Grades];

    public override BenchmarkItems<Item> Read(BenchmarkInput input) => MtBenchFiles.Read(input, AnswerTokens);

    public override IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<Item> items) => input.Options.Mode == EvaluationMode.Parity
        ? ["the second turn has FastChat's form of the template: no end token after the model's first answer, unlike in training (--mode fixed has it)"]
        : [];

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) => answers.Count switch
    {
        0 => new ModelRequest.Generate(FirstPrompt(item), Options(item)),
        1 => new ModelRequest.Generate(SecondPrompt(item, Answer(answers, 0)), Options(item)) { IsEmptyWhereTooLong = true },
        2 or 3 => new ModelRequest.Judge(item.Prompts[answers.Count - 2].Of(item.Turns, [Answer(answers, 0), Answer(answers, 1)], item.References))
        {
            Role = Grades,
            MaxTokens = VerdictTokens,
        },
        _ => null,
    };

    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers)
    {
        var verdicts = answers.Skip(2).Cast<ModelAnswer.Text>().Select(answer => answer.Value).ToList();
        var grades = TurnGrades.Of([.. verdicts.Select(verdict => GradeVerdict.Parse(verdict, item.Mode))]);
        return new ItemResult(grades.Mean, Sample(item.Turns, item.References, [Answer(answers, 0), Answer(answers, 1)], grades, verdicts)) { Metrics = grades.Metrics };
    }

    /// <summary>The mean of all grades, whichever turns they belong to.</summary>
    public override double Aggregate(IReadOnlyList<ItemScore> scores) => TurnGrades.MeanOf(scores);

    public override double StandardError(IReadOnlyList<ItemScore> scores) => TurnGrades.StandardErrorOf(scores);

    public override IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores) => TurnGrades.MetricsOf(scores);

    public override EvaluationOutcome ScoreStored(StoredFiles files, CancellationToken cancellation) => StoredGrades.Score(this, files);

    internal static EvaluationSample Sample(
        IReadOnlyList<string> turns, IReadOnlyList<string>? references, IReadOnlyList<string> answers, TurnGrades grades, IReadOnlyList<string> verdicts) =>
        new(string.Join("\n\n", turns), references is null ? "" : string.Join("\n\n", references), string.Join("\n\n", answers), grades.Mean >= 5)
        {
            Verdict = string.Join("\n\n", verdicts.Select((verdict, turn) => $"turn {turn + 1}: {grades.Shown(turn)}\n{verdict}")),
        };

    // FastChat keeps answers stripped, for the second turn and for the judge.
    private static string Answer(IReadOnlyList<ModelAnswer> answers, int turn) => TurnText.Strip(((ModelAnswer.Text)answers[turn]).Value);

    private static ModelPrompt FirstPrompt(Item item) => ModelPrompt.Of(item.Chat, item.Turns[0]);

    private static ModelPrompt SecondPrompt(Item item, string answer)
    {
        if (!item.Chat) return new ModelPrompt.Raw(string.Join('\n', item.Turns[0], answer, item.Turns[1]));
        if (item.Mode == EvaluationMode.Fixed)
            return new ModelPrompt.Chat([new Message(Message.User, item.Turns[0]), new Message(Message.Assistant, answer), new Message(Message.User, item.Turns[1])]);
        // FastChat's template "tulu": a message that is empty has no line.
        return new ModelPrompt.Raw($"<|user|>\n{item.Turns[0]}\n<|assistant|>\n{answer}{(answer.Length == 0 ? "" : "\n")}<|user|>\n{item.Turns[1]}\n<|assistant|>\n");
    }

    private static GenerationOptions Options(Item item) => GenerationOptions.Greedy with
    {
        MaxTokens = item.MaxTokens,
        Temperature = Temperature(item.Dataset),
        TopK = Temperature(item.Dataset) > 0 && item.Mode == EvaluationMode.Parity ? ParityTopK : 0,
        Seed = 0,
    };

    // FastChat's table; what it lacks has 0.7.
    private static double Temperature(string category) => category switch
    {
        "extraction" or "math" or "coding" or "reasoning" => 0,
        "stem" or "humanities" => 0.1,
        _ => 0.7,
    };
}
