using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public class BenchmarkReadingTests
{
    [Property]
    public Property A_limit_takes_that_many_items_from_everywhere_in_order(PositiveInt items, PositiveInt limit)
    {
        var read = new Numbers(items.Get).ReadWithin(new BenchmarkInput("", new BenchmarkOptions { Limit = limit.Get }, null)).Items.Select(item => int.Parse(item.Id)).ToList();
        var gaps = read.Skip(1).Append(items.Get).Zip(read, (next, own) => next - own).ToList();
        return (read.Count == Math.Min(items.Get, limit.Get) && read[0] == 0 && gaps.Min() >= 1 && gaps.Max() - gaps.Min() <= 1).ToProperty();
    }

    [Fact]
    public void A_mean_of_datasets_counts_each_alike_and_so_does_its_error()
    {
        ItemScore[] scores = [new("1", "a", 1), new("2", "a", 0), new("3", "b", 1), new("4", "b", 1), new("5", "b", 1)];
        Assert.Equal(0.75, ScoreMeans.Mean(scores, ScoreMean.OfDatasets, score => score.Value));
        Assert.Equal(0.25, ScoreMeans.StandardError(scores, ScoreMean.OfDatasets, score => score.Value), 1e-12);
        Assert.Equal(0.8, ScoreMeans.Mean(scores, ScoreMean.OfItems, score => score.Value), 1e-12);
        Assert.Equal(0.2, ScoreMeans.StandardError(scores, ScoreMean.OfItems, score => score.Value), 1e-12);
        Assert.Equal(0, ScoreMeans.StandardError(scores[..1], ScoreMean.OfItems, score => score.Value));
    }

    private sealed class Numbers(int count) : Benchmark<Numbers.Item>
    {
        public sealed record Item(string Id) : BenchmarkItem(Id, "", "");

        public override string Name => "numbers";
        public override BenchmarkItems<Item> Read(BenchmarkInput input) => new([.. Enumerable.Range(0, count).Select(number => new Item($"{number}"))], []);
        public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) => null;
        public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers) => new(0);
    }
}
