using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.AlpacaEval;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.AlpacaEval;

public sealed class StoredPreferencesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tulu2-preferences-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("2", 1)]
    [InlineData("2.0", 1)]
    [InlineData("\"2\"", 1)]
    [InlineData("\"2.0\"", 1)]
    [InlineData("1", 0)]
    [InlineData("0", 0.5)]
    [InlineData("0.0", 0.5)]
    [InlineData("1.5", 0.5)]
    [InlineData("1.9", 0.9)]
    [InlineData("null", double.NaN)]
    [InlineData("NaN", double.NaN)]
    [InlineData("\"nan\"", double.NaN)]
    [InlineData("\"\"", double.NaN)]
    [InlineData("-1", double.NaN)]
    [InlineData("3", double.NaN)]
    public void A_preference_is_a_number_in_any_of_its_forms(string preference, double expected)
    {
        var score = Score($$"""[{"instruction": "i", "output_1": "r", "output_2": "o😀", "generator_2": "m", "preference": {{preference}}}]""").Scores.Single();
        Assert.Equal(expected, score.Value, 12);
        Assert.Equal((2, 1), (score.Metrics["length"], score.Metrics["reference_length"]));
    }

    [Fact]
    public void Of_several_models_one_is_named()
    {
        const string rows = """
            {"instruction": "i", "output_2": "o", "generator_2": "a", "preference": 2, "annotator": "alpaca_eval_gpt4"}
            {"instruction": "i", "output_2": "o", "generator_2": "b", "preference": 1, "annotator": "alpaca_eval_gpt4"}
            """;
        Assert.Contains("a, b", Assert.Throws<BadInputException>(() => Score(rows)).Message);
        Assert.Throws<BadInputException>(() => Score(rows, model: "c"));
        var outcome = Score(rows, model: "b");
        Assert.Equal(0, outcome.Scores.Single().Value);
        Assert.Equal("stored:alpaca_eval_gpt4", outcome.Judges.Single().Judge);
    }

    [Fact]
    public void Lengths_are_of_the_outputs_where_they_are_given()
    {
        const string verdicts = """[{"instruction": "i", "preference": 2, "generator_2": "m"}, {"instruction": "j", "preference": 1, "generator_2": "m"}]""";
        var outputs = Write("outputs.json", """[{"instruction": "j", "output": "12345", "generator": "m"}, {"instruction": "i", "output": "1", "generator": "m"}, {"instruction": "not judged", "output": ""}]""");
        Assert.Equal([1, 5], Score(verdicts, outputs).Scores.Select(score => score.Metrics["length"]));
        Assert.DoesNotContain("mean_length", new AlpacaEvalBenchmark().Metrics(Score(verdicts).Scores).Keys);
    }

    [Theory]
    [InlineData("""[{"instruction": "i", "preference": "good"}]""", 1)]
    [InlineData("""[{"output_2": "i", "preference": 2}]""", 1)]
    [InlineData("[{\"instruction\": \"i\", \"preference\": 2},\n{\"instruction\": \"i\", \"preference\": 2}]", 2)]
    [InlineData("""[{"instruction": "i"}]""", 1)]
    [InlineData("[{\"instruction\": \"i\", \"preference\": 2},\n{\"instruction\": 3, \"preference\": 2}]", 2)]
    public void A_row_that_is_no_verdict_is_named_by_its_line(string rows, int line) =>
        Assert.EndsWith($"verdicts.json:{line}", Assert.Throws<BadInputException>(() => Score(rows)).Where);

    [Fact]
    public void Verdicts_on_other_items_and_outputs_without_verdicts_are_errors()
    {
        using var example = new AlpacaEvalExample();
        var verdicts = Write("verdicts.json", """[{"instruction": "a", "output_2": "x", "preference": 2}, {"instruction": "elsewhere", "output_2": "x", "preference": 2}]""");
        var input = new BenchmarkInput(example.Folder, new BenchmarkOptions(), null);
        Assert.Contains("not in", Assert.Throws<BadInputException>(() => new AlpacaEvalBenchmark().ScoreStored(new StoredFiles(null, verdicts, input, null, null), default)).Message);
        Assert.Equal("--verdicts", Assert.Throws<BadInputException>(() => new AlpacaEvalBenchmark().ScoreStored(new StoredFiles(verdicts, null, input, null, null), default)).Where);
    }

    /// <summary>Known answer 10 of the specification: GPT-4's stored verdicts on tulu-2-dpo-13b, and the line of the public leaderboard.</summary>
    [SkippableFact]
    public void The_stored_verdicts_give_the_published_win_rate()
    {
        var path = ReferenceData.Require("alpaca_eval", "tulu-2-dpo-13b_gpt4_annotations.json.gz");
        var benchmark = new AlpacaEvalBenchmark();
        var scores = benchmark.ScoreStored(new StoredFiles(null, path, null, null, null), default).Scores;
        var metrics = benchmark.Metrics(scores);
        Assert.Equal(88.12189054726367, metrics["win_rate"], 10);
        Assert.Equal(1.1366163670057372, 100 * benchmark.StandardError(scores), 10);
        Assert.Equal((707, 3, 94, 1), (metrics["wins"], metrics["draws"], metrics["losses"], metrics["unparsed"]));
        Assert.Equal(1614.776397515528, metrics["mean_length"], 9);
        Assert.Equal(804, scores.Count(score => score.IsScored));
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private EvaluationOutcome Score(string verdicts, string? outputs = null, string? model = null) =>
        new AlpacaEvalBenchmark().ScoreStored(new StoredFiles(outputs, Write("verdicts.json", verdicts), null, model, null), default);
}
