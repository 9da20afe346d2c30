using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Data.Demo;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Demo;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Tests.Data;
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

    [SkippableTheory]
    [InlineData("alpaca_eval")]
    [InlineData("mt_bench")]
    [InlineData("toxigen")]
    [InlineData("truthfulqa_mc")]
    [InlineData("gsm8k")]
    [InlineData("humaneval")]
    public void Items_whose_first_question_does_not_fit_are_left_out(string name) // truthfulqa needs room for the choices of truthfulqa_mc too
    {
        var whole = TaskRun.Llama2();
        using var folder = new TemporaryFolder();
        new DemoTasks(folder.Root, new DemoDataOptions()).Write(16);
        var benchmark = BenchmarkCatalogue.Named(name);
        var options = new BenchmarkOptions(SkipLong: true) { Shots = name == "gsm8k" ? 0 : null, Mode = EvaluationMode.Fixed };
        BenchmarkItems<BenchmarkItem> Read(PromptEncoder prompts) =>
            benchmark.ReadWithin(new BenchmarkInput(Path.Combine(folder.Root, benchmark.Folder!), options, prompts.Chat) { Prompts = prompts });

        var all = Read(whole);
        Assert.Empty(all.LeftOut);
        var lengths = all.Items.Select(Length).Order().ToList();
        var context = lengths[lengths.Count / 2] + 1;
        if (lengths[^1] < context) return;
        var read = Read(TaskRun.Llama2(context));
        Assert.All(read.Items, item => Assert.True(Length(item) < context));
        Assert.Equal(all.Items.Count, read.Items.Count + read.LeftOut.Count);
        Assert.NotEmpty(read.LeftOut);

        // With the answers that are to be scored; one token less than the context otherwise.
        int Length(BenchmarkItem item) => benchmark.Next(item, []) switch
        {
            ModelRequest.Generate generate => whole.Encode(generate.Prompt).Length,
            ModelRequest.Continuations scored => whole.Encode(scored.Prompt).Length + scored.Texts.Max(text => whole.EncodeContinuation(text).Length) - 1,
            var other => throw new NotSupportedException($"{other}"),
        };
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
