using Tulu2.Data.Rows;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>
/// A benchmark with its own item type; for the members see <see cref="IBenchmark"/>. Unless overridden, a score is a share and the aggregate is the mean.
/// </summary>
public abstract class Benchmark<TItem> : IBenchmark
    where TItem : BenchmarkItem
{
    public abstract string Name { get; }

    public virtual string Summary => "";

    public virtual string? Folder => null;

    public virtual PaperColumn? Column => null;

    public virtual ScoreUnit Unit => ScoreUnit.Share;

    public virtual bool IsLowerBetter => false;

    public virtual string Parts => "datasets";

    public virtual int? PublishedItems(EvaluationMode mode) => null;

    public virtual IReadOnlyList<string> Judges => [];

    public virtual bool IsJudged => Judges.Count > 0;

    public virtual bool RunsPrograms => false;

    /// <summary>How the scores of items become one.</summary>
    protected virtual ScoreMean Mean => ScoreMean.OfItems;

    public virtual bool Takes(RowKind rows) => false;

    public abstract BenchmarkItems<TItem> Read(BenchmarkInput input);

    public virtual IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<TItem> items) => [];

    public abstract ModelRequest? Next(TItem item, IReadOnlyList<ModelAnswer> answers);

    public abstract ItemResult Score(TItem item, IReadOnlyList<ModelAnswer> answers);

    public virtual double Aggregate(IReadOnlyList<ItemScore> scores) => ScoreMeans.Mean(scores, Mean, score => score.Value);

    public virtual double StandardError(IReadOnlyList<ItemScore> scores) => ScoreMeans.StandardError(scores, Mean, score => score.Value);

    public virtual IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores) => ItemScore.NoMetrics;

    /// <summary>Lines of <c>{"id", "output"}</c>, scored as answers to the benchmark's own items.</summary>
    public virtual EvaluationOutcome ScoreStored(StoredFiles files, CancellationToken cancellation) => StoredOutputs.Score(this, files, cancellation);

    ScoreMean IBenchmark.Mean => Mean;

    BenchmarkItems<BenchmarkItem> IBenchmark.Read(BenchmarkInput input)
    {
        var read = Read(input);
        return new BenchmarkItems<BenchmarkItem>(read.Items, read.LeftOut) { AreWithinContext = read.AreWithinContext };
    }

    IEnumerable<string> IBenchmark.Remarks(BenchmarkInput input, IReadOnlyList<BenchmarkItem> items) => Remarks(input, [.. items.Cast<TItem>()]);

    ModelRequest? IBenchmark.Next(BenchmarkItem item, IReadOnlyList<ModelAnswer> answers) => Next((TItem)item, answers);

    ItemResult IBenchmark.Score(BenchmarkItem item, IReadOnlyList<ModelAnswer> answers) => Score((TItem)item, answers);
}
