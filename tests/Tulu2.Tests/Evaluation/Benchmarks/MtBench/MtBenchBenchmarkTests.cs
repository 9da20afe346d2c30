using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.MtBench;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Tests.Evaluation.Benchmarks.AlpacaEval;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.MtBench;

public class MtBenchBenchmarkTests
{
    [Fact]
    public void Two_answers_are_generated_and_both_are_graded()
    {
        using var example = new MtBenchExample();
        var writing = example.Read()[0];
        var asked = Ask(example.Benchmark, writing, " one\n", "two ", "[[8]]", "[[6.5]]");
        Assert.Equal("<|user|>\nWrite.\n<|assistant|>\none\n<|user|>\nWrite more.\n<|assistant|>\n", Assert.IsType<ModelPrompt.Raw>(Generate(asked[1]).Prompt).Text);
        Assert.Equal("Write.", Generate(asked[0]).Prompt.Shown);
        Assert.Equal([("system", "S1"), ("user", "Q Write. A one {{other}}")], Judge(asked[2]).Prompt.Select(turn => (turn.Role, turn.Content)));
        Assert.Equal([("system", "S2"), ("user", "Write.|one|Write more.|two")], Judge(asked[3]).Prompt.Select(turn => (turn.Role, turn.Content)));
        Assert.All(asked.Skip(2), request => Assert.Equal(("grades", 2048), (Judge(request).Role, Judge(request).MaxTokens)));
        var result = example.Benchmark.Score(writing, Answers(" one\n", "two ", "[[8]]", "[[6.5]]"));
        Assert.Equal(7.25, result.Value);
        Assert.Equal((8, 6.5), (result.Metrics["turn1"], result.Metrics["turn2"]));
    }

    [Fact]
    public void Questions_with_a_right_answer_are_graded_beside_the_reference()
    {
        using var example = new MtBenchExample();
        var asked = Ask(example.Benchmark, example.Read()[1], "{answer_2}", "b", "", "");
        Assert.Equal([("user", "Q 1+1? R two A {answer_2}")], Judge(asked[2]).Prompt.Select(turn => (turn.Role, turn.Content)));
        Assert.Equal("two|four|{answer_2}|b", Judge(asked[3]).Prompt[1].Content);
    }

    [Fact]
    public void In_fixed_the_second_turn_has_the_template_of_training()
    {
        using var example = new MtBenchExample();
        var prompt = Assert.IsType<ModelPrompt.Chat>(Generate(Ask(example.Benchmark, example.Read(EvaluationMode.Fixed)[0], "one", "two", "", "")[1]).Prompt);
        Assert.Equal([("user", "Write."), ("assistant", "one"), ("user", "Write more.")], prompt.Dialogue.Select(turn => (turn.Role, turn.Content)));
        Assert.Empty(example.Benchmark.Remarks(example.Input(EvaluationMode.Fixed), []));
        Assert.NotEmpty(example.Benchmark.Remarks(example.Input(), []));
        // An empty answer has no line in FastChat's template.
        Assert.Equal("<|user|>\nWrite.\n<|assistant|>\n<|user|>\nWrite more.\n<|assistant|>\n",
            Assert.IsType<ModelPrompt.Raw>(Generate(Ask(example.Benchmark, example.Read()[0], "", "", "", "")[1]).Prompt).Text);
        Assert.Equal("Write.\none\nWrite more.", Assert.IsType<ModelPrompt.Raw>(Generate(Ask(example.Benchmark, example.Read(chat: false)[0], "one", "", "", "")[1]).Prompt).Text);
    }

    [Fact]
    public void Each_category_has_its_temperature()
    {
        using var example = new MtBenchExample();
        Assert.Equal([0.7, 0, 0.1], example.Read().Select(item => Generate(example.Benchmark.Next(item, [])!).Options.Temperature));
        Assert.Equal([50, 0, 50], example.Read().Select(item => Generate(example.Benchmark.Next(item, [])!).Options.TopK));
        Assert.Equal([0, 0, 0], example.Read(EvaluationMode.Fixed).Select(item => Generate(example.Benchmark.Next(item, [])!).Options.TopK));
        Assert.All(example.Read(), item => Assert.Equal((1024, 0L), (Generate(example.Benchmark.Next(item, [])!).Options.MaxTokens!.Value, Generate(example.Benchmark.Next(item, [])!).Options.Seed!.Value)));
    }

    [Fact]
    public void The_score_is_the_mean_of_all_grades_that_can_be_read()
    {
        var benchmark = new MtBenchBenchmark();
        List<ItemScore> scores = [Item("81", 10, 4), Item("82", 7, null), Item("83", null, null)];
        Assert.Equal(7, benchmark.Aggregate(scores));
        var metrics = benchmark.Metrics(scores);
        Assert.Equal((8.5, 4, 3), (metrics["turn1"], metrics["turn2"], metrics["unparsed"]));
        Assert.Equal(2, scores.Count(score => score.IsScored));
        Assert.True(double.IsNaN(benchmark.Aggregate([scores[2]])));
        // One grade a question: the usual standard error of a mean.
        Assert.Equal(Math.Sqrt(7.0 / 3), benchmark.StandardError([Item("1", 3, null), Item("2", 4, null), Item("3", 8, null)]), 10);
    }

    [Theory]
    [InlineData("mt_bench/question.jsonl", "question.jsonl")]
    [InlineData("mt_bench/reference_answer/gpt-4.jsonl", "gpt-4.jsonl")]
    [InlineData("judge_prompts.jsonl", "judge_prompts.jsonl")]
    public void A_missing_file_is_named(string file, string named)
    {
        using var example = new MtBenchExample();
        File.Delete(Path.Combine(example.Folder, file));
        Assert.Contains(named, Assert.Throws<BadInputException>(() => example.Read()).Message);
    }

    [SkippableFact]
    public void On_the_real_questions_the_judges_prompts_are_FastChats_to_the_last_character()
    {
        var items = new MtBenchBenchmark().Read(new BenchmarkInput(ReferenceData.Require("mt_bench"), new BenchmarkOptions(), null)).Items;
        Assert.Equal(80, items.Count);
        Assert.Equal(30, items.Count(item => item.References is not null));
        Assert.All(items, item => Assert.Equal(item.Dataset, MtBenchFiles.CategoryOf(item.Id)));
        var text = string.Concat(items.SelectMany(item =>
            Ask(new MtBenchBenchmark(), item, $"first answer {{question}} to {item.Id}", "second\n{answer_1}", "", "").Skip(2).Select(request => $"{Judge(request).Prompt[0].Content}\n{Judge(request).Prompt[1].Content}\n")));
        Assert.Equal("21731bf9f40da3a63c6616403b95cd52bc2731b94049ff37b0a2c7bf2c5893aa", AlpacaEvalBenchmarkTests.Hash(text));
    }

    internal static ItemScore Item(string id, double? first, double? second)
    {
        var grades = new TurnGrades([first, second]);
        return new ItemScore(id, "", grades.Mean) { Metrics = grades.Metrics };
    }

    private static List<ModelRequest> Ask(MtBenchBenchmark benchmark, MtBenchBenchmark.Item item, params string[] texts)
    {
        var asked = new List<ModelRequest>();
        for (var count = 0; benchmark.Next(item, Answers(texts[..count])) is { } request; count++) asked.Add(request);
        Assert.Equal(texts.Length, asked.Count);
        return asked;
    }

    private static ModelAnswer.Text[] Answers(params string[] texts) => [.. texts.Select(text => new ModelAnswer.Text(text))];

    private static ModelRequest.Generate Generate(ModelRequest request) => Assert.IsType<ModelRequest.Generate>(request);

    private static ModelRequest.Judge Judge(ModelRequest request) => Assert.IsType<ModelRequest.Judge>(request);
}
