using FsCheck.Xunit;
using Tulu2.Cluster.Ledger;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Protocol.GradientSync;

/// <summary>Whatever crashes, repeats and overtakes: a run validates the same steps to the same values, keeps the same checkpoints and ends after the same step.</summary>
public sealed class ValidationProperties
{
    private const int Slots = 3;

    [Property(MaxTest = 1500)]
    public void Every_schedule_of_faults_comes_to_the_decisions_of_a_quiet_run(int seed, byte shape, byte faults, byte rules)
    {
        var (simulation, quiet) = Make(seed, shape, rules);

        var ended = simulation.Run(faults % 24, stopAfter: -1);

        Expect(simulation, quiet, ended);
        if (faults % 24 == 0) Assert.Equal(quiet.Last * simulation.Cluster.Layout!.Size, simulation.Cluster.Applied.Count);
    }

    [Property(MaxTest = 600)]
    public void Messages_that_never_arrive_cost_time_and_nothing_else(int seed, byte shape, byte faults, byte rules, byte losses)
    {
        var (simulation, quiet) = Make(seed, shape, rules);
        Expect(simulation, quiet, simulation.Run(faults % 6, stopAfter: -1, losses % 12));
    }

    [Property(MaxTest = 600)]
    public void A_supervisor_that_is_lost_in_the_middle_of_a_commit_is_succeeded_by_one_that_goes_on(int seed, byte shape, byte faults, byte rules, byte takeovers)
    {
        var (simulation, quiet) = Make(seed, shape, rules);
        Expect(simulation, quiet, simulation.Run(faults % 6, stopAfter: -1, takeovers: 1 + takeovers % 4));
    }

    [Property(MaxTest = 600)]
    public void A_run_stopped_at_any_moment_ends_after_a_whole_step_with_its_checkpoint(int seed, byte shape, byte faults, byte rules, byte stopAfter)
    {
        var (simulation, quiet) = Make(seed, shape, rules);

        var ended = simulation.Run(faults % 12, stopAfter);

        Assert.True(ended, simulation.Standstill);
        var finished = Finished(simulation);
        Assert.True(finished.Step <= quiet.Last);
        // Stopped at the last step before its validation was made: there is something left to do.
        Assert.True(finished.Step == quiet.Last || finished.Cancelled);
        Assert.Equal(finished.Step == 0 ? null : $"{finished.Step}", finished.ManifestPath);
        Assert.Empty(simulation.Cluster.Violations);
        if (finished.Step > 0) Assert.Equal(simulation.Cluster.Expected(finished.Step), simulation.Cluster.Snapshots[finished.Step]);
    }

    [Fact]
    public void What_follows_is_a_function_of_the_values_up_to_the_step()
    {
        var lower = new ValidationRules("loss", 1, Patience: 2, KeepBest: true, HigherIsBetter: false);
        var history = new[] { 3.0, 2.0, double.NaN, 2.0, 1.0, 5.0, 4.0 }.Index()
            .Aggregate(ValidationHistory.Empty, (history, value) => history.With(new StepNumber(value.Index + 1), value.Item));
        ValidationVerdict At(int step, ValidationRules rules) => history.At(new StepNumber(step), rules);

        Assert.Equal(new ValidationVerdict(new StepNumber(1), true, false), At(1, lower));
        Assert.Equal(new ValidationVerdict(new StepNumber(2), true, false), At(2, lower));
        Assert.Equal(new ValidationVerdict(new StepNumber(2), false, false), At(3, lower));
        Assert.Equal(new ValidationVerdict(new StepNumber(2), false, true), At(4, lower));
        Assert.Equal(new ValidationVerdict(new StepNumber(5), true, false), At(5, lower));
        Assert.Equal(new ValidationVerdict(new StepNumber(5), false, true), At(7, lower));
        Assert.False(At(7, lower with { Patience = 0 }).Stops);
        Assert.Equal(new ValidationVerdict(new StepNumber(6), true, false), At(6, lower with { HigherIsBetter = true, Patience = 6 }));
        Assert.Equal(new ValidationVerdict(null, false, false), ValidationHistory.Empty.At(new StepNumber(3), lower));
    }

    private static SyncEffect.Finished Finished(SyncSimulation simulation)
    {
        if (simulation.End is SyncEffect.Failed failed) Assert.Fail(failed.Failure.Error);
        return Assert.IsType<SyncEffect.Finished>(simulation.End);
    }

    private sealed record Quiet(int Last, IReadOnlyDictionary<int, ValidationVerdict> Verdicts, ValidationRules Rules);

    private static (SyncSimulation Simulation, Quiet Quiet) Make(int seed, byte shape, byte rules)
    {
        var random = new Random(seed ^ shape);
        int data = 1 + (shape & 3), steps = 4 + ((shape >> 5) & 7);
        var layout = new ParallelLayout(data, random.Next(3) == 0 ? 2 : 1, random.Next(3) == 0 ? 1 + random.Next(3) : 1, random.Next(2) == 0 ? data : 1);
        var validation = new ValidationRules("value", 1 + (rules & 3), (rules >> 2) & 3, KeepBest: (rules & 16) == 0, HigherIsBetter: (rules & 32) == 0);
        var simulation = new SyncSimulation(seed, layout, Slots, steps, every: seed & 3, validation);
        return (simulation, Undisturbed(simulation, steps, validation));
    }

    private static Quiet Undisturbed(SyncSimulation simulation, int steps, ValidationRules rules)
    {
        var (history, verdicts) = (ValidationHistory.Empty, new Dictionary<int, ValidationVerdict>());
        for (var step = 1; step <= steps; step++)
        {
            if (!rules.IsDue(new StepNumber(step), new StepNumber(steps))) continue;
            var parameters = simulation.Cluster.Expected(step);
            history = history.With(new StepNumber(step), SyncSimulation.ValidationChunks.Sum(chunk => (double)FakeCluster.Score(parameters, chunk)));
            verdicts[step] = history.At(new StepNumber(step), rules);
            if (verdicts[step].Stops) return new Quiet(step, verdicts, rules);
        }
        return new Quiet(steps, verdicts, rules);
    }

    private static void Expect(SyncSimulation simulation, Quiet quiet, bool ended)
    {
        Assert.True(ended, simulation.Standstill);
        var finished = Finished(simulation);
        Assert.Equal((quiet.Last, false), (finished.Step, finished.Cancelled));
        Assert.Equal($"{quiet.Last}", finished.ManifestPath);
        Assert.Empty(simulation.Cluster.Violations);
        if (finished.ParametersSha256 is { } hash) Assert.Equal($"{simulation.Cluster.Expected(quiet.Last):x16}", hash);
        Assert.All(simulation.Cluster.Applied, applied => Assert.Equal(simulation.Cluster.Expected(applied.Step), applied.Value));
        // Each step once, though a message of it may have been lost and a supervisor with it.
        Assert.Equal(quiet.Verdicts, simulation.Validated.ToDictionary(validated => validated.Step.Value, validated => validated.Verdict));
        foreach (var best in quiet.Verdicts.Where(verdict => quiet.Rules.KeepBest && verdict.Value.IsBest).Select(verdict => verdict.Key))
            Assert.Equal(simulation.Cluster.Expected(best), simulation.Cluster.Snapshots[best]);
        Assert.Equal([], LedgerVerifier.Verify(simulation.Ledger).Faults);
    }
}
