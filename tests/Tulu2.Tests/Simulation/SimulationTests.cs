using Tulu2.Simulation.Commands;
using Tulu2.Simulation.Model;
using Tulu2.Simulation.Schedules;
using Xunit;

namespace Tulu2.Tests.Simulation;

/// <summary>The run's states under a virtual clock, on a network that loses, repeats, delays and overtakes, with processes that die, freeze and come back (tools/Tulu2.Simulation).</summary>
public sealed class SimulationTests
{
    [Fact]
    public void In_every_schedule_of_faults_the_invariants_hold_and_the_run_ends()
    {
        for (var seed = 1; seed <= 2000; seed++)
        {
            var outcome = Schedule.Run(seed, Mutation.None);
            Assert.True(outcome.Violation is null, $"{outcome.Violation}\nthe same schedule, with its trace: {outcome.Command(Mutation.None)}");
        }
    }

    [Fact]
    public void A_seed_is_a_schedule()
    {
        List<string> once = [], again = [];
        for (var seed = 7; seed < 12; seed++)
        {
            Schedule.Run(seed, Mutation.None, once.Add);
            Schedule.Run(seed, Mutation.None, again.Add);
        }
        Assert.True(once.Count > 50);
        Assert.Equal(once, again);
    }

    public static TheoryData<string> Errors => new(Mutations.All.Select(mutation => mutation.Name));

    [Theory]
    [MemberData(nameof(Errors))]
    public void An_error_in_the_protocol_breaks_an_invariant(string error) => Assert.NotNull(Schedule.Catch(Mutations.Named(error), seed: 1, schedules: 3000));

    [Fact]
    public void A_violation_is_told_with_the_command_that_shows_it()
    {
        var output = new StringWriter();

        Assert.Equal(1, SimulationCommand.Run(["--seed", "5", "--schedules", "1", "--mutation", "a commit is decided twice"], output, TextWriter.Null));

        Assert.Contains("is committed twice", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("--seed 5 --schedules 1 --trace --mutation \"a commit is decided twice\"", output.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, SimulationCommand.Run(["--seed", "none"], TextWriter.Null, TextWriter.Null));
    }
}
