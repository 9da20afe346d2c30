using System.Globalization;
using Tulu2.Data.Benchmarks;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.TruthfulQa;

/// <summary>
/// TruthfulQA (Lin et al. 2022) as open-instruct runs it: the share of 817 questions whose answer is both true and informative, each of which a judge says;
/// beside it MC1, MC2 and MC3 from
/// log-probabilities of the reference answers.
/// </summary>
/// <remarks>
/// Parity: the prompt ends without <c>A:</c>, and the answer is cleaned as the original does. Fixed: the mark is there, the cleaning is mended
/// (<see cref="AnswerCleaning"/>), and answers that are on both lists of a question count as false.
/// </remarks>
public sealed class TruthfulQaBenchmark : Benchmark<TruthfulQaBenchmark.Item>
{
    /// <summary>Roles of the judges.</summary>
    public const string TruthRole = "truth", InformativeRole = "info";

    private const int MaxTokens = 50;

    /// <param name="Answers">For multiple choice; <see cref="ReferenceAnswers.None"/>: it is not asked.</param>
    public sealed record Item(
        string Id, string Location, string Question, ModelPrompt Prompt, ModelPrompt ChoicePrompt, GenerationOptions Options, ReferenceAnswers Answers,
        EvaluationMode Mode)
        : BenchmarkItem(Id, "", Location);

    public override string Name => "truthfulqa";

    public override string Summary => "TruthfulQA: share of 817 answers that are true and informative; MC1, MC2 and MC3 beside it";

    public override string Folder => "truthfulqa";

    public override int? PublishedItems(EvaluationMode mode) => 817;

    public override PaperColumn? Column => PaperColumn.TruthfulQa;

    public override IReadOnlyList<string> Judges => [TruthRole, InformativeRole];

    public override BenchmarkItems<Item> Read(BenchmarkInput input)
    {
        var (mode, chat, shots) = (input.Options.Mode, input.Options.Chat ?? true, input.Options.Shots ?? TruthfulQaPrompts.MaxShots);
        if (shots < 0 || shots > TruthfulQaPrompts.MaxShots)
            throw new BadInputException("--shots", $"{shots} is not from 0 to {TruthfulQaPrompts.MaxShots}", "TruthfulQA has six examples");
        var options = GenerationOptions.Greedy with { MaxTokens = input.Options.MaxTokens ?? MaxTokens, Stop = chat ? [] : ["\n\n"] };
        var room = new PromptRoom(input.Prompts);
        return PromptItems.Of(input, TruthfulQaQuestions.Read(BenchmarkFolder.At(input.Path, Folder, TruthfulQaQuestions.File), mode), question => question.Location, question => new Item(
            question.Number.ToString(CultureInfo.InvariantCulture), question.Location, question.Question, TruthfulQaPrompts.Generation(question.Question, chat, shots, mode),
            TruthfulQaPrompts.Choice(question.Question, chat, shots), options, question.Answers, mode), item => room.Holds(item.Prompt) && room.Holds(Choices(item.ChoicePrompt, item.Answers)));
    }

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) => answers.Count switch
    {
        0 => new ModelRequest.Generate(item.Prompt, item.Options),
        1 => TruthfulQaPrompts.Judge(TruthRole, item.Question, Cleaned(item, answers), "True"),
        2 => TruthfulQaPrompts.Judge(InformativeRole, item.Question, Cleaned(item, answers), "Helpful"),
        3 when item.Answers.True.Count > 0 => Choices(item.ChoicePrompt, item.Answers),
        _ => null,
    };

    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers)
    {
        var (truth, info) = (Verdict(answers[1]), Verdict(answers[2]));
        var (isTrue, isInformative) = (truth?.IsYes == true, info?.IsYes == true);
        var isBoth = isTrue && isInformative;
        var metrics = new Dictionary<string, double>
        {
            ["truth"] = isTrue ? 1 : 0,
            ["info"] = isInformative ? 1 : 0,
            ["unparsed"] = truth is null || info is null ? 1 : 0,
        };
        if (answers is [_, _, _, ModelAnswer.LogProbabilities choices])
            foreach (var (name, value) in MultipleChoice.Score(item.Answers, choices.Values)) metrics[name] = value;
        var best = item.Answers.Best < 0 ? "" : item.Answers.True[item.Answers.Best];
        var sample = new EvaluationSample(item.Prompt.Shown, best, ((ModelAnswer.Text)answers[0]).Value, isBoth)
        {
            Verdict = $"true {Shown(truth)}, informative {Shown(info)}: {Cleaned(item, answers)}",
        };
        return new ItemResult(isBoth ? 1 : 0, sample) { Metrics = metrics };
    }

    public override IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores) => ScoreMeans.OfMetrics(scores, Mean);

    // Texts and verdicts are all that files have; they hold no log-probabilities.
    public override EvaluationOutcome ScoreStored(StoredFiles files, CancellationToken cancellation) =>
        StoredOutputs.Score(new WithoutChoices(), files, cancellation);

    internal static ModelRequest.Continuations Choices(ModelPrompt prompt, ReferenceAnswers answers) =>
        new(prompt, [.. answers.True.Concat(answers.False).Select(answer => $" {answer}")]);

    private static string Cleaned(Item item, IReadOnlyList<ModelAnswer> answers) => AnswerCleaning.Clean(((ModelAnswer.Text)answers[0]).Value, item.Mode);

    // One that cannot be read is no yes.
    private static YesVerdict? Verdict(ModelAnswer answer) => YesVerdict.TryParse(((ModelAnswer.Text)answer).Value);

    private static string Shown(YesVerdict? verdict) => verdict?.Probability.ToString("F4", CultureInfo.InvariantCulture) ?? "unparsed";

    // Not in the catalogue, as its constructor is not public.
    private sealed class WithoutChoices : Benchmark<Item>
    {
        private readonly TruthfulQaBenchmark _all = new();

        internal WithoutChoices()
        {
        }

        public override string Name => _all.Name;

        public override BenchmarkItems<Item> Read(BenchmarkInput input)
        {
            var read = _all.Read(input);
            return read with { Items = [.. read.Items.Select(item => item with { Answers = ReferenceAnswers.None })] };
        }

        public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) => _all.Next(item, answers);

        public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers) => _all.Score(item, answers);
    }
}
