using System.Diagnostics;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.HumanEval;
using Tulu2.Evaluation.Requests;
using Tulu2.Tests.Evaluation.Execution;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.Tests.Evaluation.Benchmarks.HumanEval;

/// <summary>The real problems: docs/reference/tulu2.md, section 10.2.</summary>
public class HumanEvalReferenceTests(RunnerFixture runner, ITestOutputHelper output) : IClassFixture<RunnerFixture>
{
    // Right by its own idea of equality.
    private const string Flatterer = """
            class Flatterer(str):
                __eq__ = __le__ = __lt__ = __ge__ = __gt__ = __contains__ = lambda self, other: True
                __ne__ = lambda self, other: False
                __sub__ = __rsub__ = __abs__ = lambda self, *other: 0
                __hash__ = lambda self: 0
            return Flatterer()

        """;

    [SkippableFact]
    public void All_164_canonical_solutions_pass_and_wrong_ones_fail()
    {
        var items = Items();
        Assert.Equal(164, items.Count);
        var programs = items.SelectMany((item, index) => Completions(item, index)
            .Select(completion => (item.Id, completion.Kind, Program: HumanEvalBenchmark.Program(item, completion.Text)))).ToList();

        // A busy machine is no fault of a program's: what is measured here is right and wrong.
        var clock = Stopwatch.StartNew();
        var outcomes = runner.Run([.. programs.Select(program => program.Program with { Seconds = 60 })]);

        output.WriteLine($"{programs.Count} programs in {clock.Elapsed.TotalSeconds:F1} s");
        Assert.Empty(programs.Zip(outcomes).Where(run => run.Second.Passed != (run.First.Kind == "canonical"))
            .Select(run => $"{run.First.Id} {run.First.Kind}: {run.Second.Why}"));
    }

    private static IEnumerable<(string Kind, string Text)> Completions(HumanEvalBenchmark.Item item, int index)
    {
        yield return ("canonical", item.Solution);
        yield return ("None", "    return None\n");
        if (index % 8 == 0) yield return ("flatterer", Flatterer);
    }

    [SkippableFact]
    public void Prompts_that_fill_the_models_context_are_not_asked_and_score_zero()
    {
        var items = TaskRun.Read("humaneval", new BenchmarkOptions(), TaskRun.Llama2(context: 200)).Items;
        Assert.Equal(164, items.Count);
        var asked = items.Count(item => new HumanEvalBenchmark().Next((HumanEvalBenchmark.Item)item, []) is not null);
        Assert.InRange(asked, 20, 140);
        var scores = TaskRun.Score("humaneval", items, (_, request) => request is ModelRequest.Execute run
            ? new ModelAnswer.Runs([.. run.Programs.Select(_ => new CodeOutcome(true, "passed"))])
            : new ModelAnswer.Text([.. Enumerable.Repeat("", 20)])).Scores;
        Assert.Equal(asked, scores.Sum(score => score.Value));
        Assert.Equal(asked / 164.0, new HumanEvalBenchmark().Metrics(scores)["pass@1"], 1e-12);
    }

    private static IReadOnlyList<HumanEvalBenchmark.Item> Items() =>
        new HumanEvalBenchmark().Read(new BenchmarkInput(ReferenceData.Require("humaneval"), new BenchmarkOptions(), null)).Items;
}
