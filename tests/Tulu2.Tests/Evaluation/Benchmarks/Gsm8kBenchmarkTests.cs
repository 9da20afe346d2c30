using System.IO.Compression;
using System.Text.Json;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.Gsm8k;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public sealed class Gsm8kBenchmarkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// 5,276 solutions of four models in openai/grade-school-math, labelled right or wrong. Parity judges 11 wrong ones right: eight lose their sign, and three their
    /// dot.
    /// </summary>
    [SkippableFact]
    public void Stored_model_solutions_are_judged_as_labelled_but_for_11_in_parity()
    {
        Assert.Equal(
        [
            "42 175b_finetuning -200 as 200", "56 175b_finetuning 1.4 as 14", "94 6b_finetuning 3.6 as 36", "307 6b_finetuning -10 as 10", "349 175b_finetuning -10 as 10",
            "442 6b_finetuning -80 as 80", "593 175b_finetuning -1 as 1", "1100 6b_finetuning -2 as 2", "1165 6b_finetuning -9 as 9", "1217 6b_finetuning -20 as 20",
            "1219 175b_finetuning 22.5 as 225",
        ], Misjudged(EvaluationMode.Parity));
    }

    /// <summary>The fixed mode has them all right.</summary>
    [SkippableFact]
    public void Stored_model_solutions_are_judged_as_labelled_in_the_fixed_mode() => Assert.Empty(Misjudged(EvaluationMode.Fixed));

    [Fact]
    public void A_problem_is_asked_after_eight_worked_examples()
    {
        Write("""{"question": " How many? ", "answer": "It is 3.\n#### 1,003"}""");
        var (item, prompt) = Only(new BenchmarkOptions());
        Assert.Equal(("test/1", "", "1003"), (item.Id, item.Dataset, item.Expected));
        Assert.Equal($"{_folder.File("test.jsonl")}:1", item.Location);
        Assert.StartsWith("<|user|>\nAnswer the following questions.\n\nQuestion: There are 15 trees", prompt);
        Assert.EndsWith("So the answer is 8.\n\nQuestion: How many?\n<|assistant|>\nAnswer:", prompt);
        Assert.Equal(8, prompt.Split("So the answer is").Length - 1);
        Assert.Equal((512, 0.0, []), (item.Options.MaxTokens, item.Options.Temperature, item.Options.Stop));
    }

    [Fact]
    public void Without_a_template_the_answer_ends_with_its_line_in_parity_and_with_the_next_question_in_the_fixed_mode()
    {
        Write("""{"question": "How many?", "answer": "#### 3"}""");
        var (item, prompt) = Only(new BenchmarkOptions(MaxTokens: 9) { Chat = false, Shots = 0 });
        Assert.Equal("Answer the following question.\n\nQuestion: How many?\nAnswer:", prompt);
        Assert.Equal(["\n"], item.Options.Stop);
        Assert.Equal(9, item.Options.MaxTokens);
        Assert.Equal(["\n\nQuestion:"], Only(new BenchmarkOptions { Chat = false, Mode = EvaluationMode.Fixed }).Item.Options.Stop);
    }

    [Fact]
    public void Examples_without_reasoning_keep_the_originals_slip_in_parity_alone()
    {
        Write("""{"question": "How many?", "answer": "#### 3"}""");
        Assert.Contains("Quesion: If there are 3 cars in the parking lot and 2 more cars arrive, how many cars are in the parking lot?\nAnswer: 5\n\n",
            Only(new BenchmarkOptions { ChainOfThought = false }).Prompt);
        Assert.DoesNotContain("Quesion", Only(new BenchmarkOptions { ChainOfThought = false, Mode = EvaluationMode.Fixed }).Prompt);
    }

    [Fact]
    public void An_answer_is_scored_by_the_mode_and_both_figures_are_kept()
    {
        Write("""{"question": "How many?", "answer": "#### 18"}""", """{"question": "And now?", "answer": "#### 5"}""");
        foreach (var (mode, right) in ((EvaluationMode, double[])[])[(EvaluationMode.Parity, [0, 1]), (EvaluationMode.Fixed, [1, 0])])
        {
            var items = TaskRun.Read("gsm8k", new BenchmarkOptions { Mode = mode }, path: _folder.Root).Items;
            var outcome = TaskRun.Score("gsm8k", items, (item, _) => new ModelAnswer.Text(item.Id == "test/1" ? "So 18.00" : "It is -5"));
            Assert.Equal(right, outcome.Scores.Select(score => score.Value));
            Assert.Equal([(0.0, 1.0), (1.0, 0.0)], outcome.Scores.Select(score => (score.Metrics["exact_match"], score.Metrics["numeric_match"])));
            Assert.Equal(mode == EvaluationMode.Parity ? ["18.00", "5"] : ["18.00", "-5"], outcome.Scores.Select(score => score.Sample!.Verdict));
            Assert.Equal(("18", "So 18.00"), (outcome.Scores[0].Sample!.Expected, outcome.Scores[0].Sample!.Output));
            Assert.Equal((0.5, 0.5), (BenchmarkCatalogue.Named("gsm8k").Metrics(outcome.Scores)["exact_match"], BenchmarkCatalogue.Named("gsm8k").Aggregate(outcome.Scores)));
            Assert.Equal(0.5, BenchmarkCatalogue.Named("gsm8k").StandardError(outcome.Scores));
        }
    }

    [SkippableFact]
    public void A_prompt_that_does_not_fit_has_fewer_examples_or_else_is_an_empty_answer_or_left_out()
    {
        Write("""{"question": "How many?", "answer": "#### 3"}""", $$"""{"question": "{{string.Join(' ', Enumerable.Repeat("Why?", 200))}}", "answer": "#### 3"}""");
        var small = TaskRun.Llama2(context: 300);
        var benchmark = BenchmarkCatalogue.Named("gsm8k");
        var items = TaskRun.Read("gsm8k", new BenchmarkOptions(), small, _folder.Root).Items;
        var shorter = Assert.IsType<Gsm8kBenchmark.Item>(items[0]);
        Assert.InRange(shorter.Shots, 1, 7);
        Assert.InRange(small.Encode(shorter.Prompt).Length, 150, 299);
        Assert.Null(benchmark.Next(items[1], []));
        var outcome = TaskRun.Score("gsm8k", items, (_, _) => new ModelAnswer.Text("3"));
        Assert.Equal([1.0, 0.0], outcome.Scores.Select(score => score.Value));
        var input = new BenchmarkInput(_folder.Root, new BenchmarkOptions(), small.Chat) { Prompts = small };
        Assert.Equal(
        [
            "2 prompts with fewer examples, to fit into the model's context",
            "1 prompt longer than the model's context of 300 tokens, answer included; not asked, and counted as an empty answer",
        ], benchmark.Remarks(input, items));
        var read = benchmark.Read(input with { Options = new BenchmarkOptions(SkipLong: true) });
        Assert.Equal(("test/1", $"{_folder.File("test.jsonl")}:2"), (read.Items.Single().Id, $"{read.LeftOut.Single().Location}"));
        var tiny = TaskRun.Llama2(context: 9);
        Assert.Equal(_folder.Root, Assert.Throws<BadInputException>(() => TaskRun.Read("gsm8k", new BenchmarkOptions(SkipLong: true), tiny, _folder.Root)).Where);
    }

    [Theory]
    [InlineData("""{"question": "q", "answer": "3"}""", 1, "answer has no #### before its number")]
    [InlineData("""{"question": "q", "answer": "#### three"}""", 1, "the answer 'three' is not a number")]
    [InlineData("\n\n{\"answer\": \"#### 3\"}", 3, "has no question; it has answer")]
    [InlineData("{\"question\": \"q\", \"answer\": \"#### 3\"}\n{", 2, null)]
    public void A_bad_line_is_named(string text, int line, string? what)
    {
        _folder.Write("test.jsonl", text);
        var fault = Assert.Throws<BadInputException>(() => TaskRun.Read("gsm8k", new BenchmarkOptions(), path: _folder.Root));
        Assert.Equal($"{_folder.File("test.jsonl")}:{line}", fault.Where);
        if (what is not null) Assert.Equal(what, fault.What);
    }

    [Fact]
    public void A_missing_or_empty_file_is_named_and_a_mark_and_empty_lines_are_nothing()
    {
        Assert.Contains("test.jsonl", Assert.Throws<BadInputException>(() => TaskRun.Read("gsm8k", new BenchmarkOptions(), path: _folder.Root)).Message);
        _folder.Write("test.jsonl", "");
        Assert.Contains("test.jsonl", Assert.Throws<BadInputException>(() => TaskRun.Read("gsm8k", new BenchmarkOptions(), path: _folder.Root)).Message);
        _folder.Write("test.jsonl", "\ufeff{\"question\": \"q\", \"answer\": \"#### 3\"}\r\n\r\n{\"question\": \"r\", \"answer\": \"#### 4\"}\r\n");
        Assert.Equal(["3", "4"], TaskRun.Read("gsm8k", new BenchmarkOptions(), path: _folder.Root).Items.Select(item => ((Gsm8kBenchmark.Item)item).Expected));
        Assert.Equal("--shots", Assert.Throws<BadInputException>(() => TaskRun.Read("gsm8k", new BenchmarkOptions { Shots = 9 }, path: _folder.Root)).Where);
    }

    [Fact]
    public void The_root_of_all_benchmarks_will_do_and_stored_outputs_are_scored_by_id()
    {
        Directory.CreateDirectory(_folder.File("gsm8k"));
        _folder.WriteBytes("gsm8k/test.jsonl.gz", TemporaryFolder.Gzip("{\"question\": \"q\", \"answer\": \"#### 3\"}\n{\"question\": \"r\", \"answer\": \"#### 4\"}\n"));
        var outputs = _folder.Write("outputs.jsonl", "{\"id\": \"test/2\", \"output\": \"so 4\"}\n{\"id\": \"test/1\", \"output\": \"so 4\"}\n");
        var outcome = BenchmarkCatalogue.Named("gsm8k").ScoreStored(
            new StoredFiles(outputs, null, new BenchmarkInput(_folder.Root, new BenchmarkOptions(), null), null, null), CancellationToken.None);
        Assert.Equal([("test/1", 0.0), ("test/2", 1.0)], outcome.Scores.Select(score => (score.Item, score.Value)));
    }

    private static List<string> Misjudged(EvaluationMode mode)
    {
        var misjudged = new List<string>();
        var solutions = Solutions();
        var problems = TaskRun.Read("gsm8k", new BenchmarkOptions { Mode = EvaluationMode.Fixed, Shots = 0 }).Items.Cast<Gsm8kBenchmark.Item>().ToList();
        Assert.Equal((1319, 1319), (solutions.Count, problems.Count));
        var judged = 0;
        foreach (var (solved, problem) in solutions.Zip(problems))
            foreach (var model in solved.EnumerateObject().Where(field => field.Value.ValueKind == JsonValueKind.Object))
            {
                judged++;
                var text = model.Value.GetProperty("solution").GetString()!;
                var score = TaskRun.Score("gsm8k", [problem with { Mode = mode }], (_, _) => new ModelAnswer.Text(text)).Scores.Single();
                if (score.Value == 1 == model.Value.GetProperty("is_correct").GetBoolean()) continue;
                misjudged.Add($"{problem.Id[5..]} {model.Name} {text[(text.LastIndexOf("A: ", StringComparison.Ordinal) + 3)..]} as {problem.Expected}");
            }
        Assert.Equal(5276, judged);
        return misjudged;
    }

    private static List<JsonElement> Solutions()
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(ReferenceData.Require("gsm8k", "example_model_solutions.jsonl.gz")), CompressionMode.Decompress));
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    private (Gsm8kBenchmark.Item Item, string Prompt) Only(BenchmarkOptions options)
    {
        var item = Assert.IsType<Gsm8kBenchmark.Item>(TaskRun.Read("gsm8k", options, path: _folder.Root).Items.Single());
        return (item, TaskRun.Rendered(item.Prompt));
    }

    private void Write(params string[] lines) => _folder.Write("test.jsonl", string.Concat(lines.Select(line => line + "\n")));
}
