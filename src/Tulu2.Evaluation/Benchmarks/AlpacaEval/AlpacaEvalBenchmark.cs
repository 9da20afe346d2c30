using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>
/// AlpacaEval 1 (tatsu-lab/alpaca_eval 0.3.1): a judge says which of two answers to an instruction is the better one, the model's or text-davinci-003's. A win
/// counts 1, a draw one half; verdicts that cannot be read are counted and left out. The order of the two answers is drawn, as the original draws it.
/// </summary>
public sealed class AlpacaEvalBenchmark : Benchmark<AlpacaEvalBenchmark.Item>
{
    /// <summary>Role of the judge.</summary>
    public const string Pairs = "pairs";

    private const int AnswerTokens = 8192, VerdictTokens = 100;

    /// <param name="Reference">The other model's answer.</param>
    /// <param name="IsSwitched">The model's answer is shown first.</param>
    /// <param name="BothOrders">It is judged in the other order too.</param>
    /// <param name="Difficulty">Of the instruction, as AlpacaEval 2 has fitted it; null: not known.</param>
    public sealed record Item(
        string Id, string Dataset, string Location, string Instruction, string Reference, bool IsSwitched, bool BothOrders, EvaluationMode Mode, bool Chat, int MaxTokens,
        double? Difficulty = null) : BenchmarkItem(Id, Dataset, Location);

    public override string Name => "alpaca_eval";

    public override string Summary => "805 instructions; win rate against text-davinci-003 by a judge of pairs";

    public override string? Folder => "alpaca_eval";

    public override int? PublishedItems(EvaluationMode mode) => 805;

    public override PaperColumn? Column => PaperColumn.AlpacaEval;

    public override IReadOnlyList<string> Judges => [Pairs];

    public override BenchmarkItems<Item> Read(BenchmarkInput input) => AlpacaEvalFiles.Read(input, AnswerTokens);

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) => answers.Count switch
    {
        0 => new ModelRequest.Generate(ModelPrompt.Of(item.Chat, item.Instruction), GenerationOptions.Greedy with { MaxTokens = item.MaxTokens }),
        // Equal answers are a draw, and nobody is asked.
        1 when Output(answers) != item.Reference => Judge(item, Output(answers), item.IsSwitched),
        2 when item.BothOrders => Judge(item, Output(answers), !item.IsSwitched),
        _ => null,
    };

    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers)
    {
        var output = Output(answers);
        if (answers.Count == 1) return Result(item, output, PairScore.Draw, ["the same answer"]);
        var verdicts = answers.Skip(1).Cast<ModelAnswer.Text>().Select(answer => answer.Value).ToList();
        var wins = verdicts.Select((verdict, index) => RankingVerdict.Parse(verdict, item.Mode) switch
        {
            null => (double?)null,
            Shown.Neither => PairScore.Draw,
            var better => (better == Shown.First) == (item.IsSwitched ^ index == 1) ? PairScore.Win : PairScore.Loss,
        }).OfType<double>().ToList();
        return Result(item, output, wins.Count == 0 ? PairScore.None : wins.Average(), verdicts);
    }

    public override IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores) => WinRates.Of(scores);

    public override EvaluationOutcome ScoreStored(StoredFiles files, CancellationToken cancellation) => StoredPreferences.Score(this, files);

    private static string Output(IReadOnlyList<ModelAnswer> answers) => ((ModelAnswer.Text)answers[0]).Value;

    private static ModelRequest.Judge Judge(Item item, string output, bool isSwitched)
    {
        var (first, second) = isSwitched ? (output, item.Reference) : (item.Reference, output);
        return new ModelRequest.Judge(RankingPrompt.Of(item.Instruction, first, second, item.Mode)) { Role = Pairs, MaxTokens = VerdictTokens };
    }

    private static ItemResult Result(Item item, string output, double score, IEnumerable<string> verdicts) =>
        new(score, new EvaluationSample(item.Instruction, item.Reference, output, score > PairScore.Draw) { Verdict = PairScore.Shown(score, verdicts) })
        {
            Metrics = PairScore.Metrics(score, output, item.Reference, item.Difficulty),
        };
}
