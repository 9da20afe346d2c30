using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Requests;

namespace Tulu2.Tests.Evaluation.Resampling;

/// <summary>A benchmark whose items are scored already.</summary>
internal sealed class DatasetBenchmark(string name, ScoreMean mean) : Benchmark<DatasetBenchmark.Item>
{
    public sealed record Item(string Id, string Dataset) : BenchmarkItem(Id, Dataset, "");

    public override string Name => name;

    protected override ScoreMean Mean => mean;

    public override BenchmarkItems<Item> Read(BenchmarkInput input) => throw new NotSupportedException();

    public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) => null;

    public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers) => throw new NotSupportedException();
}
