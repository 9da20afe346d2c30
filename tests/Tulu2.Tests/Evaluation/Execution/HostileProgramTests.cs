using System.Globalization;
using Tulu2.Evaluation.Requests;
using Xunit;

namespace Tulu2.Tests.Evaluation.Execution;

public class HostileProgramTests(RunnerFixture runner) : IClassFixture<RunnerFixture>
{
    public static TheoryData<string> Names => [.. HostilePrograms.All.Select(sample => sample.Name)];

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void It_scores_nothing_hurts_nothing_and_the_next_program_runs(string name)
    {
        var sample = HostilePrograms.All.Single(sample => sample.Name == name);
        var source = sample.Source.Replace("{canary}", runner.Canary, StringComparison.Ordinal)
            .Replace("{port}", runner.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{pid}", runner.ProcessId.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

        var outcome = runner.Run(source, $"assert f() == '{HostilePrograms.Secret}'", sample.Seconds);

        Assert.False(outcome.Passed, name);
        Assert.True(sample.Ends.Contains(outcome.End), $"{outcome.End}: {outcome.Why}");
        runner.AssertUntouched();
        Assert.Equal("passed", runner.Run("def f():\n    return 1\n", "assert f() == 1").Why);
    }

    [SkippableFact]
    public void Many_at_once_hurt_nobody_else()
    {
        var honest = new CodeProgram("def f(x):\n    return x * x\n", "assert f(12) == 144", 60) { Function = "f" };
        CodeProgram Hostile(string name) => new(HostilePrograms.All.Single(sample => sample.Name == name).Source, "assert f() == 1", 1) { Function = "f" };
        var programs = new[] { "fork bomb that goes on", "memory bomb that catches its errors", "endless output", "ends itself at once", "kills its parents" }
            .SelectMany(name => new[] { honest, Hostile(name), honest }).ToList();

        var outcomes = runner.Run(programs);

        Assert.Equal(programs.Select(program => program == honest), outcomes.Select(outcome => outcome.Passed));
    }
}
