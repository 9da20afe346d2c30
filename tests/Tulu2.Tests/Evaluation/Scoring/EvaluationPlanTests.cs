using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.ExactMatch;
using Tulu2.Evaluation.Benchmarks.Preference;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Scoring;

public sealed class EvaluationPlanTests : IDisposable
{
    private const string Row = """{"dataset":"add","id":"1","messages":[{"role":"user","content":"1+1"},{"role":"assistant","content":"2"}]}""";
    private const string Pair = """{"prompt":"hi","chosen":"hello","rejected":"go away"}""";
    private static readonly IBenchmark ExactMatch = new ExactMatchBenchmark();
    private static readonly IBenchmark Preference = new PreferenceBenchmark();
    private readonly string _directory = Directory.CreateTempSubdirectory("tulu2-evaluation-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_file_is_split_into_chunks_that_cover_it()
    {
        var plan = Plan(ExactMatch, File(Row, Row, Row, Row, Row), chunk: 2);
        Assert.Equal([(0, 2), (2, 2), (4, 1)], plan.Tasks.Select(t => (t.First, t.Count)));
        Assert.Equal(3, plan.Tasks.Select(t => t.Id).Distinct().Count());
    }

    [Fact]
    public void Pairs_that_say_nothing_are_left_out_and_named()
    {
        var plan = Plan(Preference, File(Pair, """{"prompt":"hi","chosen":"same","rejected":"same"}""", Pair));
        Assert.Equal(2, Assert.Single(plan.Tasks).Count);
        Assert.Equal(2, Assert.Single(plan.LeftOut).Location.Line);
    }

    [Fact]
    public void A_broken_row_is_found_before_any_work()
    {
        var error = Assert.Throws<BadInputException>(() => Plan(ExactMatch, File(Row, "{\"messages\":")));
        Assert.EndsWith("rows.jsonl:2", error.Where);
    }

    [Fact]
    public void All_rows_that_cannot_be_scored_are_named_at_once()
    {
        const string lonely = """{"messages":[{"role":"assistant","content":"2"}]}""";
        var error = Assert.Throws<BadInputException>(() => Plan(ExactMatch, File(Row, "{", lonely, Row)));
        Assert.Contains("2 rows cannot be scored", error.What);
        Assert.Contains("rows.jsonl:2: broken JSON", error.What);
        Assert.Contains("rows.jsonl:3: has no turn before", error.What);
    }

    [Fact]
    public void All_prompts_that_are_too_long_are_in_one_list_and_are_left_out_if_told_so()
    {
        var longer = Row.Replace("1+1", new string('1', 100), StringComparison.Ordinal);
        var file = File(Row, longer, Row, longer.Replace("\"1\"", "\"2\"", StringComparison.Ordinal));
        var error = Assert.Throws<BadInputException>(() => Plan(ExactMatch, file, null, Chat(64)));
        Assert.Contains("2 rows are too long", error.What);
        Assert.Contains("rows.jsonl:2: its prompt has ", error.What);
        Assert.Contains("rows.jsonl:4: its prompt has ", error.What);
        Assert.Contains("--skip-long", error.Fix);
        var plan = Plan(ExactMatch, file, new BenchmarkOptions(SkipLong: true), Chat(64));
        Assert.Equal(2, Assert.Single(plan.Tasks).Count);
        Assert.Equal([2L, 4L], plan.LeftOut.Select(fault => fault.Location.Line));
        Assert.Empty(plan.Remarks);
    }

    [Fact]
    public void Answers_that_no_model_could_give_in_full_are_counted_and_said()
    {
        var plan = Plan(ExactMatch, File(Row, Row.Replace("\"2\"", "\"a long answer\"", StringComparison.Ordinal)),
            new BenchmarkOptions(MaxTokens: 5), Chat(64));
        Assert.StartsWith("1 row cannot be answered correctly", Assert.Single(plan.Remarks));
    }

    [Fact]
    public void Pairs_that_the_context_cuts_are_said_and_those_that_do_not_differ_within_it_are_too_long()
    {
        var same = new string('a', 60);
        var file = File(Pair, $$"""{"prompt":"hi","chosen":"{{same}} b","rejected":"{{same}} c"}""", $$"""{"prompt":"hi","chosen":"{{same}} b","rejected":"c"}""");
        var error = Assert.Throws<BadInputException>(() => Plan(Preference, file, null, Chat(64)));
        Assert.EndsWith("rows.jsonl:2", error.Where);
        Assert.Contains("do not differ", error.What);
        var plan = Plan(Preference, file, new BenchmarkOptions(SkipLong: true), Chat(64));
        Assert.Equal("1 row cut at the model's context of 64 tokens", Assert.Single(plan.Remarks));
    }

    [Fact]
    public void A_damaged_file_is_an_error_unless_its_whole_rows_are_asked_for()
    {
        var path = File(Row, Row);
        System.IO.File.AppendAllText(path, Row[..30]);
        Assert.EndsWith("rows.jsonl:3", Assert.Throws<BadInputException>(() => Plan(ExactMatch, path)).Where);
        var plan = Plan(ExactMatch, path, new BenchmarkOptions(KeepWholeRows: true));
        Assert.Equal(2, Assert.Single(plan.Tasks).Count);
        Assert.Equal(RowFaultKind.DamagedFile, Assert.Single(plan.LeftOut).Kind);
    }

    [Fact]
    public void An_unknown_benchmark_and_an_empty_file_are_errors()
    {
        var unknown = Assert.Throws<BadInputException>(() => BenchmarkCatalogue.Named("no_such"));
        Assert.Equal("no_such: is not a benchmark", unknown.Message);
        Assert.StartsWith("give one of ", unknown.Fix);
        Assert.Throws<BadInputException>(() => Plan(Preference, File()));
    }

    [Fact]
    public void Options_that_do_nothing_for_a_benchmark_are_said() =>
        Assert.StartsWith("--max-tokens has no effect", Assert.Single(Plan(Preference, File(Pair), new BenchmarkOptions(MaxTokens: 5)).Remarks));

    [Fact]
    public void A_task_of_rows_that_the_file_has_not_is_an_error()
    {
        using var evaluator = new EvaluatorFactory(EvaluatorSettings.Default).Create();
        Assert.Throws<BadInputException>(() => evaluator.Run(new EvaluationTask("t", Preference.Name, "model", File(Pair), 0, 2), CancellationToken.None));
    }

    private static EvaluationPlan Plan(IBenchmark benchmark, string file, BenchmarkOptions? options = null, ChatEncoder? chat = null, int chunk = 8) =>
        EvaluationPlan.Of(benchmark, new BenchmarkInput(file, options ?? new BenchmarkOptions(), chat), "model", chunk);

    // One token a character.
    private static ChatEncoder Chat(int context) => new(new ChatTokenizer((text, _) => [.. text.Select(character => (int)character)], 1, 2, "characters"), ChatForm.Default, context);

    private string File(params string[] lines)
    {
        var path = Path.Combine(_directory, "rows.jsonl");
        System.IO.File.WriteAllLines(path, lines);
        return path;
    }
}
