using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.MtBench;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.MtBench;

public sealed class StoredGradesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tulu2-grades-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Judgments_are_grouped_by_question_whether_numbers_are_numbers_or_texts()
    {
        var outcome = Score(
            """{"question_id": 81, "model": "m", "judge": ["gpt-4", "single-v1"], "judgment": "[[8]]", "score": 8, "turn": 1}""",
            """{"question_id": "81", "model": "m", "judge": ["gpt-4", "single-v1-multi-turn"], "judgment": "[[6]]", "score": "6.0", "turn": "2"}""",
            """{"question_id": 101.0, "model": "m", "judge": ["gpt-4", "single-math-v1"], "judgment": "none", "score": -1, "turn": 1}""",
            """{"question_id": 101, "model": "m", "judge": ["gpt-4", "single-math-v1-multi-turn"], "judgment": "none", "score": "-1", "turn": 2}""",
            """{"question_id": 160, "model": "m", "judge": ["gpt-4", "single-v1"], "judgment": "[[9]]", "turn": 1}""");
        Assert.Equal([("81", "writing", 7), ("101", "reasoning", double.NaN), ("160", "humanities", 9)], outcome.Scores.Select(score => (score.Item, score.Dataset, score.Value)));
        var benchmark = new MtBenchBenchmark();
        Assert.Equal(23.0 / 3, benchmark.Aggregate(outcome.Scores), 12);
        var metrics = benchmark.Metrics(outcome.Scores);
        Assert.Equal((8.5, 6, 2), (metrics["turn1"], metrics["turn2"], metrics["unparsed"]));
        Assert.Equal("stored:gpt-4", Assert.Single(outcome.Judges).Judge);
    }

    [Fact]
    public void Of_several_models_one_is_named_and_of_several_grades_of_a_turn_the_last_counts()
    {
        string[] rows =
        [
            """{"question_id": 81, "model": "a", "score": 3, "turn": 1}""",
            """{"question_id": 81, "model": "b", "score": 5, "turn": 1}""",
            """{"question_id": 81, "model": "b", "score": 9, "turn": 1}""",
        ];
        Assert.Contains("--model-id", Assert.Throws<BadInputException>(() => Score(rows)).Fix);
        Assert.Equal(9, Score("b", rows).Scores.Single().Value);
    }

    [Fact]
    public void In_fixed_a_stored_judgment_is_read_again()
    {
        const string row = """{"question_id": 81, "model": "m", "judgment": "first [[3]], then [[7]]", "score": 3, "turn": 1}""";
        Assert.Equal(3, Score(row).Scores.Single().Value);
        Assert.Equal(7, new MtBenchBenchmark().ScoreStored(new StoredFiles(null, Write("j.jsonl", row), null, null, null) { Mode = EvaluationMode.Fixed }, default).Scores.Single().Value);
    }

    [Fact]
    public void Answers_and_questions_are_joined_where_they_are_given()
    {
        using var example = new MtBenchExample();
        var verdicts = Write("j.jsonl", """{"question_id": 111, "model": "m", "judgment": "[[4]]", "score": 4, "turn": 1}""");
        var answers = Write("a.jsonl", """{"question_id": 111, "model_id": "m", "choices": [{"index": 0, "turns": ["2", "4"]}]}""", """{"question_id": 81, "model_id": "m", "choices": [{"index": 0, "turns": ["x", "y"]}]}""");
        var score = example.Benchmark.ScoreStored(new StoredFiles(answers, verdicts, example.Input(), null, null), default).Scores.Single();
        Assert.Equal(("math", "1+1?\n\n2+2?", "2\n\n4", "two\n\nfour"), (score.Dataset, score.Sample!.Prompt, score.Sample.Output, score.Sample.Expected));
        Assert.Equal("--verdicts", Assert.Throws<BadInputException>(() => example.Benchmark.ScoreStored(new StoredFiles(answers, null, null, null, null), default)).Where);
        var others = Write("o.jsonl", """{"question_id": 81, "model_id": "m", "choices": [{"index": 0, "turns": ["x", "y"]}]}""");
        Assert.Throws<BadInputException>(() => example.Benchmark.ScoreStored(new StoredFiles(others, verdicts, null, null, null), default));
    }

    [Theory]
    [InlineData("""{"question_id": 81, "model": "m", "turn": 1}""")]
    [InlineData("""{"question_id": 81, "model": "m", "score": 3, "turn": 3}""")]
    [InlineData("""{"question_id": 81, "model": "m", "score": "high", "turn": 1}""")]
    [InlineData("""{"model": "m", "score": 3, "turn": 1}""")]
    [InlineData("""{"question_id": 81, "g1_winner": "tie", "g2_winner": "tie", "turn": 1}""")]
    [InlineData("""{"question_id": 81, """)]
    public void A_line_that_is_no_grade_is_named(string row) =>
        Assert.EndsWith("judgments.jsonl:2", Assert.Throws<BadInputException>(() => Score("""{"question_id": 82, "model": "m", "score": 3, "turn": 1}""", row)).Where);

    private string Write(string name, params string[] lines)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllLines(path, lines);
        return path;
    }

    private EvaluationOutcome Score(params string[] rows) => Score(null, rows);

    private EvaluationOutcome Score(string? model, string[] rows) =>
        new MtBenchBenchmark().ScoreStored(new StoredFiles(null, Write("judgments.jsonl", rows), null, model, null), default);
}
