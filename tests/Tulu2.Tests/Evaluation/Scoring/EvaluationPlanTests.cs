using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Scoring;

public sealed class EvaluationPlanTests : IDisposable
{
    private const string Row = """{"dataset":"add","id":"1","messages":[{"role":"user","content":"1+1"},{"role":"assistant","content":"2"}]}""";
    private const string Pair = """{"prompt":"hi","chosen":"hello","rejected":"go away"}""";
    private readonly string _directory = Directory.CreateTempSubdirectory("tulu2-evaluation-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_file_is_split_into_chunks_that_cover_it()
    {
        var plan = EvaluationPlan.Tasks(EvaluationKind.ExactMatch, File(Row, Row, Row, Row, Row), "model", 2);
        Assert.Equal([(0, 2), (2, 2), (4, 1)], plan.Work.Select(t => (t.First, t.Count)));
        Assert.Equal(3, plan.Work.Select(t => t.Id).Distinct().Count());
    }

    [Fact]
    public void Pairs_that_say_nothing_are_left_out_and_named()
    {
        var plan = EvaluationPlan.Tasks(EvaluationKind.Preference, File(Pair, """{"prompt":"hi","chosen":"same","rejected":"same"}""", Pair), "model", 10);
        Assert.Equal(2, Assert.Single(plan.Work).Count);
        Assert.Equal(2, Assert.Single(plan.LeftOut).Location.Line);
    }

    [Fact]
    public void A_broken_row_is_found_before_any_work()
    {
        var error = Assert.Throws<BadInputException>(() => EvaluationPlan.Tasks(EvaluationKind.ExactMatch, File(Row, "{\"messages\":"), "model", 2));
        Assert.EndsWith("rows.jsonl:2", error.Where);
    }

    [Fact]
    public void An_unknown_kind_and_an_empty_file_are_errors()
    {
        Assert.Throws<BadInputException>(() => EvaluationPlan.Tasks("mmlu", File(Row), "model", 2));
        Assert.Throws<BadInputException>(() => EvaluationPlan.Tasks(EvaluationKind.Preference, File(), "model", 2));
    }

    [Fact]
    public void A_task_of_rows_that_the_file_has_not_is_an_error()
    {
        using var evaluator = new EvaluatorFactory().Create();
        Assert.Throws<BadInputException>(() => evaluator.Run(new EvaluationTask("t", EvaluationKind.Preference, "model", File(Pair), 0, 2), CancellationToken.None));
    }

    private string File(params string[] lines)
    {
        var path = Path.Combine(_directory, "rows.jsonl");
        System.IO.File.WriteAllLines(path, lines);
        return path;
    }
}
