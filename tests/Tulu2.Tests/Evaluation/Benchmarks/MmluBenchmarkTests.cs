using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.Mmlu;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public sealed class MmluBenchmarkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public MmluBenchmarkTests()
    {
        Directory.CreateDirectory(_folder.File("dev"));
        Directory.CreateDirectory(_folder.File("test"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_question_ends_with_the_line_of_its_answer_and_the_answer_is_a_letter_with_a_space()
    {
        Write("world_religions", "Who?,w,x,y,None,D\n", "When?,1,2,3,4,B\nWhere?,5,6,7,8,A\n");
        var item = Only(new BenchmarkOptions());
        Assert.Equal(("world_religions/1", "world_religions", 'D'), (item.Id, item.Dataset, item.Expected));
        Assert.Equal($"{_folder.File("test/world_religions_test.csv")}:1", item.Location);
        var request = Assert.IsType<ModelRequest.NextTokens>(new MmluBenchmark().Next(item, []));
        Assert.Equal([" A", " B", " C", " D"], request.Texts);
        Assert.Equal("<|user|>\nThe following are multiple choice questions (with answers) about  world religions.\n\nWho?\nA. w\nB. x\nC. y\nD. nan\nAnswer:\n<|assistant|>\nThe answer is:",
            TaskRun.Rendered(request.Prompt));
        Assert.Null(new MmluBenchmark().Next(item, [new ModelAnswer.LogProbabilities([-1, -2, -3, -4])]));
    }

    [Fact]
    public void Examples_carry_their_answers_and_fixed_prompts_are_mended()
    {
        Write("world_religions", "Who?,w,x,y,None,D\n", "When?,1,2,3,4,B\nWhere?,5,6,7,8,A\n");
        Assert.Equal(
            "The following are multiple choice questions (with answers) about world religions.\n\nWhen?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: B\n\nWho?\nA. w\nB. x\nC. y\nD. None\nAnswer:",
            TaskRun.Rendered(Only(new BenchmarkOptions { Mode = EvaluationMode.Fixed, Shots = 1, Chat = false }).Prompt));
        Assert.Contains("Answer: B\n\nWhere?", TaskRun.Rendered(Only(new BenchmarkOptions { Shots = 5 }).Prompt));
    }

    [Fact]
    public void The_likeliest_letter_counts_and_categories_are_means_of_questions()
    {
        Write("virology", "q,1,2,3,4,B\nr,1,2,3,4,C\n", "d,1,2,3,4,A\n");
        Write("astronomy", "s,1,2,3,4,D\n", "d,1,2,3,4,A\n");
        var items = TaskRun.Read("mmlu", new BenchmarkOptions(), path: _folder.Root).Items;
        Assert.Equal(["astronomy/1", "virology/1", "virology/2"], items.Select(item => item.Id));
        // Equal ones: the first.
        var outcome = TaskRun.Score("mmlu", items, (_, _) => new ModelAnswer.LogProbabilities([-3, -1, -1, -2]));
        Assert.Equal([0.0, 1, 0], outcome.Scores.Select(score => score.Value));
        Assert.Equal(("B", "B", true), (outcome.Scores[1].Sample!.Expected, outcome.Scores[1].Sample!.Output, outcome.Scores[1].Sample!.Correct));
        Assert.Equal("A 5.0%, B 36.8%, C 36.8%, D 13.5%", outcome.Scores[1].Sample!.Verdict!.Replace(" %", "%"));
        var benchmark = BenchmarkCatalogue.Named("mmlu");
        Assert.Equal(1 / 3.0, benchmark.Aggregate(outcome.Scores), 12);
        Assert.Equal(
            [("category/other", 0.5), ("category/stem", 0), ("field/health", 0.5), ("field/physics", 0), ("macro", 0.25), ("micro", 1 / 3.0)],
            benchmark.Metrics(outcome.Scores).Select(metric => (metric.Key, metric.Value)));
    }

    [Fact]
    public void The_57_subjects_have_17_fields_in_4_categories()
    {
        Assert.Equal((57, 17, 17), (MmluSubjects.Fields.Count, MmluSubjects.Fields.Values.Distinct().Count(), MmluSubjects.Categories.Count));
        Assert.Equal(["humanities", "other", "social_sciences", "stem"], MmluSubjects.Fields.Values.Select(field => MmluSubjects.Categories[field]).Distinct().Order());
        Assert.Equal(("math", "stem"), (MmluSubjects.Fields["abstract_algebra"], MmluSubjects.Categories["math"]));
    }

    [SkippableFact]
    public void The_real_files_have_57_subjects_and_each_question_four_choices_and_an_answer()
    {
        var items = TaskRun.Read("mmlu", new BenchmarkOptions { Shots = 5, Mode = EvaluationMode.Fixed }).Items.Cast<MmluBenchmark.Item>().ToList();
        Assert.Equal((14079, 57), (items.Count, items.Select(item => item.Dataset).Distinct().Count()));
        Assert.All(items.Select(item => item.Dataset).Distinct(), subject => Assert.Contains(subject, MmluSubjects.Fields));
        Assert.All(items, item => Assert.Equal(5, item.Shots));
        Assert.Equal(14079, items.Select(item => item.Id).Distinct().Count());
    }

    [SkippableFact]
    public void Examples_of_a_prompt_beyond_2048_tokens_are_dropped_one_by_one()
    {
        var prompts = TaskRun.Llama2();
        // The subjects with the longest questions.
        var folder = ReferenceData.Require("mmlu");
        foreach (var subject in (string[])["high_school_european_history", "professional_law"])
            foreach (var part in (string[])["dev", "test"]) File.Copy(Path.Combine(folder, part, $"{subject}_{part}.csv"), _folder.File($"{part}/{subject}_{part}.csv"));
        var items = TaskRun.Read("mmlu", new BenchmarkOptions { Shots = 5, Limit = 200 }, prompts, _folder.Root).Items.Cast<MmluBenchmark.Item>().ToList();
        Assert.Contains(items, item => item is { Dropped: true, Shots: > 0 and < 5 });
        foreach (var item in items)
        {
            Assert.True(item.Fits);
            Assert.InRange(prompts.Encode(item.Prompt).Length, 1, 2049);
            if (item.Shots < 5) Assert.InRange(prompts.Encode((item with { Shots = item.Shots + 1 }).Prompt).Length, 2050, int.MaxValue);
        }
        var input = new BenchmarkInput(_folder.Root, new BenchmarkOptions { Shots = 5, Limit = 200 }, prompts.Chat) { Prompts = prompts };
        Assert.EndsWith("with fewer examples, to fit into the original's 2,048 tokens", Assert.Single(new MmluBenchmark().Remarks(input, items)));
    }

    [Fact]
    public void Stored_letters_and_texts_are_scored()
    {
        Write("virology", "q,one,two,three,four,B\nr,1,2,3,4,C\n", "");
        var outputs = _folder.Write("outputs.jsonl", "{\"id\": \"virology/1\", \"output\": \" B\"}\n{\"id\": \"virology/2\", \"output\": \"The answer is (C).\"}\n");
        foreach (var (mode, total) in ((EvaluationMode, double)[])[(EvaluationMode.Parity, 1), (EvaluationMode.Fixed, 2)])
        {
            var outcome = BenchmarkCatalogue.Named("mmlu").ScoreStored(
                new StoredFiles(outputs, null, new BenchmarkInput(_folder.Root, new BenchmarkOptions { Mode = mode }, null), null, null), CancellationToken.None);
            Assert.Equal(total, outcome.Total);
            Assert.Equal(("The answer is (C).", mode == EvaluationMode.Parity ? "no letter" : "C"), (outcome.Scores[1].Sample!.Output, outcome.Scores[1].Sample!.Verdict));
        }
    }

    [Fact]
    public void Quotes_line_feeds_empty_lines_a_byte_order_mark_and_a_line_of_names_are_read()
    {
        Write("virology", "\ufeffquestion,A,B,C,D,answer\r\n\"Who \"\"said\"\",\n\"\"no\"\"?\",\"1,2\", x ,y,z,A\r\n\r\nlast,1,2,3,4,B", "");
        var items = TaskRun.Read("mmlu", new BenchmarkOptions { Chat = false }, path: _folder.Root).Items.Cast<MmluBenchmark.Item>().ToList();
        Assert.Equal(["Who \"said\",\n\"no\"?\nA. 1,2\nB.  x \nC. y\nD. z\nAnswer:", "last\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:"], items.Select(item => item.Question));
        Assert.Equal([("virology/1", $"{_folder.File("test/virology_test.csv")}:2"), ("virology/2", $"{_folder.File("test/virology_test.csv")}:5")], items.Select(item => (item.Id, item.Location)));
        Write("virology", "\ufeff\"quoted\",1,2,3,4,A\n", "");
        Assert.StartsWith("quoted\nA.", Only(new BenchmarkOptions()).Question);
    }

    [Theory]
    [InlineData("q,1,2,3,4,A\nq,1,2,3,4,E\n", ":2", "its last value is 'E', not one of A to D")]
    [InlineData("q,1,2,3,A\n", ":1", "has 5 values, and 6 are wanted")]
    [InlineData("", "", "has no question")]
    [InlineData("q,1,2,3,4,A\n\"open,1,2,3,4,B\n", ":2", null)]
    public void A_bad_line_is_named(string text, string line, string? what)
    {
        Write("virology", text, "");
        var fault = Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions()));
        Assert.Equal($"{_folder.File("test/virology_test.csv")}{line}", fault.Where);
        if (what is not null) Assert.Equal(what, fault.What);
    }

    [Fact]
    public void An_empty_folder_and_a_missing_file_of_examples_are_named()
    {
        Assert.Equal(_folder.File("test"), Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions())).Where);
        _folder.Write("test/virology_test.csv", "q,1,2,3,4,A\n");
        Assert.Equal(_folder.File("dev/virology_dev.csv"), Assert.Throws<BadInputException>(() => Only(new BenchmarkOptions { Shots = 5 })).Where);
        Assert.Equal('A', Only(new BenchmarkOptions()).Expected);
    }

    private MmluBenchmark.Item Only(BenchmarkOptions options) => Assert.IsType<MmluBenchmark.Item>(TaskRun.Read("mmlu", options, path: _folder.Root).Items.Single());

    private void Write(string subject, string test, string dev)
    {
        _folder.Write($"test/{subject}_test.csv", test);
        _folder.Write($"dev/{subject}_dev.csv", dev);
    }
}
