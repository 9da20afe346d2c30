using System.Text.Json;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.HumanEval;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.HumanEval;

public sealed class HumanEvalBenchmarkTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("humaneval");
    private readonly HumanEvalBenchmark _benchmark = new();

    public HumanEvalBenchmarkTests() => Write("HumanEval.jsonl", [.. new[] { "one", "two", "three" }.Select((name, index) => new
    {
        task_id = $"HumanEval/{index}",
        prompt = $"def {name}():\n    \"\"\" Returns it. \"\"\"\n",
        entry_point = name,
        canonical_solution = $"    return {index + 1}\n",
        test = $"\n\ndef check(candidate):\n    assert candidate() == {index + 1}\n",
    })]);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Twenty_samples_are_asked_for_as_the_paper_did()
    {
        var request = Assert.IsType<ModelRequest.Generate>(_benchmark.Next(Items()[0], []));
        Assert.Equal(new ModelPrompt.Raw("def one():\n    \"\"\" Returns it. \"\"\"\n"), request.Prompt);
        var options = request.Options;
        Assert.Equal((20, 0.8, 0.95, 512, 0, 1.0), (options.Count, options.Temperature, options.TopP, options.MaxTokens, options.TopK, options.RepetitionPenalty));
        Assert.Equal(["\nclass", "\ndef", "\n#", "\nif", "\nprint"], options.Stop);
        Assert.Equal([0, 20, 40], Items().Select(item => ((ModelRequest.Generate)_benchmark.Next(item, [])!).Options.Seed));
        Assert.Equal(PaperColumn.CodexEval, _benchmark.Column);
    }

    [Fact]
    public void As_a_chat_the_answer_begins_with_the_prompt()
    {
        var request = (ModelRequest.Generate)_benchmark.Next(Items(new BenchmarkOptions(MaxTokens: 64) { Chat = true })[0], [])!;
        var chat = Assert.IsType<ModelPrompt.Chat>(request.Prompt);
        Assert.Equal("Complete the following python function.\n\n\ndef one():\n    \"\"\" Returns it. \"\"\"\n", Assert.Single(chat.Dialogue).Content);
        Assert.Equal("Here is the completed function:\n\n\ndef one():\n    \"\"\" Returns it. \"\"\"\n", chat.AnswerPrefix);
        Assert.Equal(64, request.Options.MaxTokens);
    }

    [Fact]
    public void A_program_is_the_prompt_with_its_completion_and_the_check_calls_the_function()
    {
        var item = Items()[1];
        var programs = ((ModelRequest.Execute)_benchmark.Next(item, [new ModelAnswer.Text(["    return 2", "   return 2"])])!).Programs;
        Assert.Equal(["def two():\n    \"\"\" Returns it. \"\"\"\n    return 2\n", "def two():\n    \"\"\" Returns it. \"\"\"\n   return 2\n"], programs.Select(program => program.Source));
        Assert.Equal("\n\ndef check(candidate):\n    assert candidate() == 2\n\ncheck(two)\n", programs[0].Check);
        Assert.Equal(("two", "def two():\n    \"\"\" Returns it. \"\"\"\n\n    pass\n", 3.0), (programs[0].Function, programs[0].Context, programs[0].Seconds));

        var mended = ((ModelRequest.Execute)_benchmark.Next(
            Items(new BenchmarkOptions { Mode = EvaluationMode.Fixed })[1], [new ModelAnswer.Text(["   return 2"])])!).Programs[0];
        Assert.Equal("def two():\n    \"\"\" Returns it. \"\"\"\n    return 2\n", mended.Source);
        Assert.Equal(10, mended.Seconds);
    }

    [Fact]
    public void The_score_is_pass_at_10_and_the_first_failure_is_shown()
    {
        var item = Items()[0];
        var texts = new ModelAnswer.Text([.. Enumerable.Range(0, 20).Select(number => $"text {number}")]);
        var runs = new ModelAnswer.Runs([.. Enumerable.Range(0, 20).Select(number => number == 0 ? new CodeOutcome(true, "passed") : new CodeOutcome(false, $"failed: {number}"))]);
        Assert.Null(_benchmark.Next(item, [texts, runs]));
        var result = _benchmark.Score(item, [texts, runs]);
        Assert.Equal(0.5, result.Value, 1e-12);
        Assert.Equal(0.05, result.Metrics["pass@1"], 1e-12);
        Assert.Equal(("text 1", "1 of 20 samples passed; number 2: failed: 1", true, "    return 1\n"),
            (result.Sample!.Output, result.Sample.Verdict, result.Sample.Correct, result.Sample.Expected));
    }

    [Fact]
    public void Stored_completions_of_ten_samples_or_more_score_pass_at_10()
    {
        // The runner passes what says so: 1 of 10, all, none.
        var outputs = Write("samples.jsonl", [.. Samples(0, 10, 1), .. Samples(2, 12, 0), .. Samples(1, 11, 11)]);
        var outcome = Stored(outputs);
        Assert.Equal([1.0, 1.0, 0.0], outcome.Scores.Select(score => score.Value));
        Assert.Equal([("HumanEval/0", 0.1), ("HumanEval/1", 1), ("HumanEval/2", 0)], outcome.Scores.Select(score => (score.Item, Math.Round(score.Metrics["pass@1"], 12))));
        var metrics = _benchmark.Metrics(outcome.Scores);
        Assert.Equal(["pass@1", "pass@10"], metrics.Keys.Order());
        Assert.Equal(1.1 / 3, metrics["pass@1"], 1e-12);
        Assert.Equal(2 / 3.0, metrics["pass@10"], 1e-12);
    }

    [Fact]
    public void With_fewer_samples_of_any_problem_all_are_scored_by_pass_at_1()
    {
        var outcome = Stored(Write("samples.jsonl", [.. Samples(0, 10, 1), .. Samples(1, 1, 1), .. Samples(2, 2, 1)]));
        Assert.Equal([0.1, 1, 0.5], outcome.Scores.Select(score => Math.Round(score.Value, 12)));
        Assert.Equal(["pass@1"], _benchmark.Metrics(outcome.Scores).Keys);
    }

    [Theory]
    [InlineData("{\"task_id\": \"HumanEval/0\", \"completion\": \"\"}\n", "has no completion of 'HumanEval/1'")]
    [InlineData("{\"task_id\": \"HumanEval/9\", \"completion\": \"\"}\n", "has a completion of 'HumanEval/9'")]
    [InlineData("{\"task_id\": \"HumanEval/0\", \"output\": \"\"}\n", "has no text completion")]
    [InlineData("[1, 2", "")]
    [InlineData("\n", "")]
    public void Files_of_completions_that_are_none_are_errors(string content, string what)
    {
        var path = Path.Join(_folder.FullName, "samples.jsonl");
        File.WriteAllText(path, content);
        var fault = Assert.Throws<BadInputException>(() => Stored(path));
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
        Assert.Contains("samples.jsonl", fault.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_the_file_is_an_error()
    {
        var empty = _folder.CreateSubdirectory("empty").FullName;
        Assert.Contains("HumanEval.jsonl", Assert.Throws<BadInputException>(() => HumanEvalFile.Problems(empty)).Message, StringComparison.Ordinal);
    }

    private static IEnumerable<object> Samples(int problem, int count, int right) =>
        Enumerable.Range(0, count).Select(number => new { task_id = $"HumanEval/{problem}", completion = number < right ? "right" : "wrong" });

    private IReadOnlyList<HumanEvalBenchmark.Item> Items(BenchmarkOptions? options = null) =>
        _benchmark.Read(new BenchmarkInput(_folder.FullName, options ?? new BenchmarkOptions(), null)).Items;

    private Tulu2.Evaluation.Tasks.EvaluationOutcome Stored(string outputs) => _benchmark.ScoreStored(
        new StoredFiles(outputs, null, new BenchmarkInput(_folder.FullName, new BenchmarkOptions(), null), null, new Runner()), CancellationToken.None);

    private string Write(string name, IReadOnlyList<object> lines)
    {
        var path = Path.Join(_folder.FullName, name);
        File.WriteAllLines(path, lines.Select(line => JsonSerializer.Serialize(line)));
        return path;
    }

    private sealed class Runner : ICodeRunner
    {
        public IReadOnlyList<CodeOutcome> Run(IReadOnlyList<CodeProgram> programs, CancellationToken cancellation) =>
            [.. programs.Select(program => new CodeOutcome(program.Source.Contains("right", StringComparison.Ordinal), "as it says"))];
    }
}
