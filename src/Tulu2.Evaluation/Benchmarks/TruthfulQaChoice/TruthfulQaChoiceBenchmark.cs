using Tulu2.Evaluation.Benchmarks.TruthfulQa;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Benchmarks.TruthfulQaChoice;

/// <summary>TruthfulQA's multiple choice alone, which needs no judge: the score is MC2, with MC1 and MC3 beside it.</summary>
public sealed class TruthfulQaChoiceBenchmark : Benchmark<TruthfulQaBenchmark.Item>
{
    private readonly TruthfulQaBenchmark _all = new();

    public override string Name => "truthfulqa_mc";

    public override string Summary => "TruthfulQA's multiple choice: MC2, with MC1 and MC3 beside it; no judge";

    public override string? Folder => _all.Folder;

    public override int? PublishedItems(EvaluationMode mode) => _all.PublishedItems(mode);

    public override BenchmarkItems<TruthfulQaBenchmark.Item> Read(BenchmarkInput input) => _all.Read(input);

    public override ModelRequest? Next(TruthfulQaBenchmark.Item item, IReadOnlyList<ModelAnswer> answers) =>
        answers.Count == 0 ? TruthfulQaBenchmark.Choices(item.ChoicePrompt, item.Answers) : null;

    public override ItemResult Score(TruthfulQaBenchmark.Item item, IReadOnlyList<ModelAnswer> answers)
    {
        var values = ((ModelAnswer.LogProbabilities)answers[0]).Values;
        var metrics = MultipleChoice.Score(item.Answers, values);
        var all = item.Answers.True.Concat(item.Answers.False).ToList();
        var likeliest = all[values.ToList().IndexOf(values.Max())];
        var sample = new EvaluationSample(item.ChoicePrompt.Shown, item.Answers.True[item.Answers.Best], likeliest, metrics["mc1"] > 0);
        return new ItemResult(metrics["mc2"], sample) { Metrics = metrics };
    }

    public override IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores) => ScoreMeans.OfMetrics(scores, Mean);
}
