using System.Diagnostics;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.HumanEval;
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
        string[] kinds = ["canonical", "None", "flatterer"];
        var programs = items.SelectMany(item => new[] { item.Solution, "    return None\n", Flatterer }.Select(completion => HumanEvalBenchmark.Program(item, completion))).ToList();

        // A busy machine is no fault of a program's: what is measured here is right and wrong.
        var clock = Stopwatch.StartNew();
        var outcomes = runner.Run([.. programs.Select(program => program with { Seconds = 60 })]);

        output.WriteLine($"{programs.Count} programs in {clock.Elapsed.TotalSeconds:F1} s");
        var wrong = outcomes.Select((outcome, index) => (outcome, index)).Where(run => run.outcome.Passed != (run.index % kinds.Length == 0))
            .Select(run => $"{items[run.index / kinds.Length].Id} {kinds[run.index % kinds.Length]}: {run.outcome.Why}");
        Assert.Empty(wrong);
    }

    [SkippableFact]
    public void Each_prompt_is_a_module_of_its_own_once_its_function_has_a_body()
    {
        var items = Items();
        Assert.Equal(items.Select(_ => "passed"), runner.Run([.. items.Select(item =>
            HumanEvalBenchmark.Program(item, item.Solution) with { Source = "def f():\n    return 1\n", Function = "f", Check = "f()", Seconds = 60 })]).Select(run => run.Why));
    }

    private static IReadOnlyList<HumanEvalBenchmark.Item> Items() =>
        new HumanEvalBenchmark().Read(new BenchmarkInput(ReferenceData.Require("humaneval"), new BenchmarkOptions(), null)).Items;
}
