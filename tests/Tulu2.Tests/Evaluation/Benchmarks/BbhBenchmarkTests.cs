using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.Bbh;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public sealed class BbhBenchmarkTests : IDisposable
{
    private const string Prompt = "warning\n-----\nDo it.\n\nQ: one\nA: Let's see. So the answer is (A).\n\nQ: two\nA: Hm.\n\nSo the answer is (B).\n\nQ: three\nA: Well. So the answer is (C).\n";

    private readonly TemporaryFolder _folder = new();

    public BbhBenchmarkTests()
    {
        Directory.CreateDirectory(_folder.File("bbh"));
        Directory.CreateDirectory(_folder.File("cot-prompts"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_question_is_asked_after_the_tasks_three_worked_examples()
    {
        Write("sums", ("what?", "(A)"));
        var (item, prompt) = Only(new BenchmarkOptions());
        Assert.Equal(("sums/1", "sums", "(A)"), (item.Id, item.Dataset, item.Expected));
        Assert.Equal($"{_folder.File("bbh/sums.json")}: examples[0]", item.Location);
        Assert.Equal($"<|user|>\n{Prompt["warning\n-----\n".Length..].Trim()}\n\nQ: what?\n<|assistant|>\nA:", prompt);
        Assert.Equal((512, 0.0, []), (item.Options.MaxTokens, item.Options.Temperature, item.Options.Stop));
    }

    [Fact]
    public void Examples_are_fewer_or_direct_when_asked_for()
    {
        Write("sums", ("what?", "(A)"));
        Assert.Equal("Do it.\n\nQ: what?\nA:", Only(new BenchmarkOptions { Chat = false, Shots = 0 }).Prompt);
        Assert.Equal("Do it.\n\nQ: one\nA: (A).\n\nQ: two\nA: (B).\n\nQ: what?\nA:", Only(new BenchmarkOptions { Chat = false, Shots = 2, ChainOfThought = false }).Prompt);
        Assert.Equal("Do it.\n\nQ: one\nA: (A)\n\nQ: what?\nA:",
            Only(new BenchmarkOptions { Chat = false, Shots = 1, ChainOfThought = false, Mode = EvaluationMode.Fixed }).Prompt);
        Assert.Equal(["\n\n"], Only(new BenchmarkOptions { Chat = false }).Item.Options.Stop);
        Assert.Equal(["\n\nQ:"], Only(new BenchmarkOptions { Chat = false, Mode = EvaluationMode.Fixed }).Item.Options.Stop);
    }

    [Fact]
    public void The_score_is_the_mean_of_the_tasks()
    {
        Write("first", ("a", "-5"));
        Write("second", ("b", "] )"), ("c", "] )"), ("d", "] )"), ("e", "] )"));
        var benchmark = BenchmarkCatalogue.Named("bbh");
        foreach (var (mode, score) in ((EvaluationMode, double)[])[(EvaluationMode.Parity, (1 + 1.0) / 2), (EvaluationMode.Fixed, (0 + 0.25) / 2)])
        {
            var items = TaskRun.Read("bbh", new BenchmarkOptions { Mode = mode }, path: _folder.Root).Items;
            // In parity 5 is -5, and any two brackets are as good as the right ones.
            var outcome = TaskRun.Score("bbh", items, (item, _) => new ModelAnswer.Text(item.Id switch { "first/1" => "So the answer is 5.", "second/1" => "So the answer is ] ).", _ => "So the answer is > }." }));
            Assert.Equal(score, benchmark.Aggregate(outcome.Scores));
            Assert.Equal((1.0, 0.125), (benchmark.Metrics(outcome.Scores)["exact_match"], benchmark.Metrics(outcome.Scores)["answer_match"]));
            Assert.Equal(["first", "second", "second", "second", "second"], outcome.Scores.Select(item => item.Dataset));
            Assert.Equal(mode == EvaluationMode.Parity ? "> }" : ">}", outcome.Scores[^1].Sample!.Verdict);
        }
    }

    [SkippableFact]
    public void All_questions_are_asked_in_the_fixed_mode_and_every_target_matches_itself()
    {
        var items = TaskRun.Read("bbh", new BenchmarkOptions { Mode = EvaluationMode.Fixed, Shots = 0 }).Items.Cast<BbhBenchmark.Item>().ToList();
        Assert.Equal((6511, 27, 6511), (items.Count, items.Select(item => item.Dataset).Distinct().Count(), items.Select(item => item.Id).Distinct().Count()));
        var missed = items.Where(item => !BbhAnswer.IsRight($"Let's see. So the answer is {item.Expected}.", item.Expected, item.Input, out _)).Select(item => item.Id);
        Assert.Empty(missed);
        Assert.Empty(items.Where(item => !BbhAnswer.IsRight(item.Expected, item.Expected, item.Input, out _)).Select(item => item.Id));
    }

    /// <summary>In parity a target that has a full stop cannot be matched after "the answer is", because the original cuts there.</summary>
    [SkippableFact]
    public void Nearly_every_target_matches_itself_in_parity()
    {
        var items = TaskRun.Read("bbh", new BenchmarkOptions()).Items.Cast<BbhBenchmark.Item>().ToList();
        Assert.Empty(items.Where(item => !BbhAnswer.IsExact($"So the answer is {item.Expected}.", item.Expected)).Select(item => item.Id));
    }

    [Fact]
    public void Files_that_lack_something_are_named()
    {
        Assert.Equal(_folder.File("bbh"), Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions())).Where);
        Write("sums", ("what?", "(A)"));
        File.Delete(_folder.File("cot-prompts/sums.txt"));
        Assert.Equal(_folder.File("cot-prompts/sums.txt"), Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions())).Where);
        _folder.Write("cot-prompts/sums.txt", "warning\n-----\nDo it.\n\nQ: one\nA: (A).\n");
        Assert.Contains("So the answer is", Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions())).What);
        _folder.Write("cot-prompts/sums.txt", "warning\n-----\nDo it.\n");
        Assert.Contains("no description with examples", Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions())).What);
        Write("sums", ("what?", "(A)"));
        _folder.Write("bbh/sums.json", """{"examples": [{"input": "what?"}]}""");
        Assert.Equal($"{_folder.File("bbh/sums.json")}: examples[0]", Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions())).Where);
        _folder.Write("bbh/sums.json", """{"examples": []}""");
        Assert.Equal(_folder.File("bbh/sums.json"), Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions())).Where);
        _folder.Write("bbh/sums.json", "{");
        Assert.StartsWith(_folder.File("bbh/sums.json"), Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions())).Where);
    }

    [Fact]
    public void A_folder_with_fewer_tasks_is_remarked_on_and_carriage_returns_are_no_part_of_a_prompt()
    {
        Write("sums", ("what?", "(A)"));
        var before = Only(new BenchmarkOptions()).Prompt;
        _folder.Write("cot-prompts/sums.txt", "\ufeff" + Prompt.Replace("\n", "\r\n"));
        Assert.Equal(before, Only(new BenchmarkOptions()).Prompt);
        var input = new BenchmarkInput(_folder.Root, new BenchmarkOptions(), null);
        IBenchmark benchmark = new BbhBenchmark();
        Assert.StartsWith("1 task of 27", Assert.Single(benchmark.Remarks(input, benchmark.Read(input).Items)));
    }

    private (BbhBenchmark.Item Item, string Prompt) Only(BenchmarkOptions options)
    {
        var item = Assert.IsType<BbhBenchmark.Item>(TaskRun.Read("bbh", options, path: _folder.Root).Items.Single());
        return (item, TaskRun.Rendered(item.Prompt));
    }

    private void Write(string task, params (string Input, string Target)[] examples)
    {
        _folder.Write($"cot-prompts/{task}.txt", Prompt);
        _folder.Write($"bbh/{task}.json", $$"""{"canary": "c", "examples": [{{string.Join(",", examples.Select(example => $$"""{"input": "{{example.Input}}", "target": "{{example.Target}}"}"""))}}]}""");
    }
}
