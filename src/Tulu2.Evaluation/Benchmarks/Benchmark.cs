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

    public virtual ScoreUnit Unit => ScoreUnit.Share;

    public virtual bool IsJudged => false;

    public virtual bool Takes(RowKind rows) => false;

    public abstract BenchmarkItems<TItem> Read(BenchmarkInput input);

    public virtual IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<TItem> items) => [];

    public abstract ModelRequest? Next(TItem item, IReadOnlyList<ModelAnswer> answers);

    public abstract ItemResult Score(TItem item, IReadOnlyList<ModelAnswer> answers);

    public virtual double Aggregate(IReadOnlyList<ItemScore> scores) => scores.Sum(score => score.Value) / scores.Count;

    BenchmarkItems<BenchmarkItem> IBenchmark.Read(BenchmarkInput input)
    {
        var read = Read(input);
        return new BenchmarkItems<BenchmarkItem>(read.Items, read.LeftOut);
    }

    IEnumerable<string> IBenchmark.Remarks(BenchmarkInput input, IReadOnlyList<BenchmarkItem> items) => Remarks(input, [.. items.Cast<TItem>()]);

    ModelRequest? IBenchmark.Next(BenchmarkItem item, IReadOnlyList<ModelAnswer> answers) => Next((TItem)item, answers);

    ItemResult IBenchmark.Score(BenchmarkItem item, IReadOnlyList<ModelAnswer> answers) => Score((TItem)item, answers);
}
