using FsCheck.Xunit;
using Tulu2.Protocol.Evaluations;
using Xunit;

namespace Tulu2.Tests.Protocol.Evaluations;

public sealed class EvaluationStateSpec
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly EvaluationSchedule OneBenchmark = new(["a"], 10, [], 0);

    private static EvaluationState Begin(EvaluationSchedule schedule, int attempts = 3, IEnumerable<KnownEvaluation>? known = null, EvaluationMetric? metric = null) =>
        EvaluationState.Of(schedule, schedule.All.ToDictionary(name => name, _ => 6), metric, 4, attempts, known ?? []);

    [Property(MaxTest = 200)]
    public void Each_item_of_each_checkpoint_is_kept_once_however_evaluators_coordinators_and_messages_come_and_go(int seed)
    {
        var simulation = new EvaluationSimulation(new Random(seed));

        simulation.Run();

        // What was due is a matter of the schedule; of what was due, everything is there.
        Assert.All(simulation.Kept, task => Assert.Equal(EvaluationSimulation.Items[task.Key.Benchmark], task.Value.Count));
        Assert.Superset(EvaluationSimulation.Schedule.All.ToHashSet(), simulation.Kept.Keys.Where(task => task.Step == 40).Select(task => task.Benchmark).ToHashSet());
    }

    [Fact]
    public void The_schedules_of_the_simulation_are_rough()
    {
        var simulations = Enumerable.Range(0, 20).Select(seed => new EvaluationSimulation(new Random(seed))).ToList();
        simulations.ForEach(simulation => simulation.Run());
        Assert.True(simulations.Sum(simulation => simulation.Restarts) > 20);
        Assert.True(simulations.Sum(simulation => simulation.Duplicates) > 20);
    }

    [Theory]
    [InlineData(5, "")]
    [InlineData(10, "a")]
    [InlineData(13, "a")]
    [InlineData(20, "a b")]
    public void A_suite_is_due_at_the_first_checkpoint_at_or_after_each_multiple(int step, string due)
    {
        var schedule = new EvaluationSchedule(["a"], 10, ["b"], 20);
        Assert.Equal(due.Split(' ', StringSplitOptions.RemoveEmptyEntries), schedule.Due(step, _ => []));
    }

    [Fact]
    public void A_checkpoint_within_the_same_interval_is_not_due_and_the_last_one_is_scored_on_everything()
    {
        var state = Begin(new EvaluationSchedule(["a"], 10, ["b"], 0));
        (state, var first) = state.Written(11);
        (state, var second) = state.Written(19);
        (state, var again) = state.Written(11);
        (state, var third) = state.Written(20);
        (_, var last) = state.Ended(20);
        Assert.Equal(["a", "", "", "a", "b"], new[] { first, second, again, third, last }.Select(due => string.Join(' ', due)));
    }

    [Fact]
    public void A_repeated_question_gets_the_same_work_again_and_an_overtaken_one_none()
    {
        var (state, _) = Begin(OneBenchmark).Written(10);
        (state, var first) = state.Ask("e", 1, TimeSpan.Zero, Second);
        (state, var again) = state.Ask("e", 1, TimeSpan.Zero, Second);
        Assert.Equal(new ScoringWork(10, "a", 0, 4), first!.Work);
        Assert.Equal(first, again);

        // It has begun again without what it held, which goes to it anew.
        (state, var anew) = state.Ask("e", 2, TimeSpan.Zero, Second);
        Assert.Equal(first.Work, anew!.Work);
        Assert.Null(state.Ask("e", 1, TimeSpan.Zero, Second).Lease);
    }

    [Fact]
    public void A_lost_evaluator_costs_no_attempt_and_a_failed_one_does()
    {
        var (state, _) = Begin(OneBenchmark, attempts: 2).Written(10);
        for (var number = 0; number < 10; number++)
        {
            (state, var lease) = state.Ask($"e{number}", 1, TimeSpan.Zero, Second);
            Assert.Equal((0, 1), (lease!.Work.First, lease.Attempt));
            state = state.Lose($"e{number}");
        }
        (state, _) = state.Ask("e", 1, TimeSpan.Zero, Second);
        (state, var none) = state.Fail("e", 1, "broke");
        Assert.Null(none);
        // Repeated, it does not count again; the other items come first.
        (state, none) = state.Fail("e", 1, "broke");
        Assert.Null(none);
        (state, var other) = state.Ask("e", 2, TimeSpan.Zero, Second);
        Assert.Equal(4, other!.Work.First);
        (state, _) = state.Ask("f", 1, TimeSpan.Zero, Second);
        (_, var exhausted) = state.Fail("f", 1, "broke");
        Assert.Equal(new ScoringWork(10, "a", 0, 4), exhausted);
    }

    [Fact]
    public void What_is_given_up_is_not_given_out_and_does_not_hold_up_the_end()
    {
        var (state, _) = Begin(new EvaluationSchedule(["a", "b"], 10, [], 0)).Written(10);
        (state, var isNew) = state.GiveUp(10, "a");
        Assert.True(isNew);
        Assert.False(state.GiveUp(10, "a").IsNew);
        (state, var lease) = state.Ask("e", 1, TimeSpan.Zero, Second);
        Assert.Equal("b", lease!.Work.Benchmark);
        Assert.Equal(6, state.ItemsLeft);
        Assert.Equal([10], state.Needed);
        Assert.False(state.IsComplete);
        (state, _) = state.GiveUp(10, "b");
        Assert.True(state.IsComplete);
        Assert.Empty(state.Needed);
    }

    [Fact]
    public void A_session_goes_on_with_the_items_that_are_left_cut_as_before()
    {
        var state = Begin(OneBenchmark, known: [new KnownEvaluation(10, "a", new HashSet<int> { 0, 2, 3 }, null), new KnownEvaluation(20, "a", new HashSet<int>(), 0.5)]);
        (state, var first) = state.Ask("e", 1, TimeSpan.Zero, Second);
        (state, var second) = state.Ask("f", 1, TimeSpan.Zero, Second);
        Assert.Equal([new ScoringWork(10, "a", 1, 1), new ScoringWork(10, "a", 4, 2)], new[] { first!.Work, second!.Work });
        Assert.Null(state.Ask("g", 1, TimeSpan.Zero, Second).Lease);
        Assert.Equal([10], state.Needed);
        Assert.Empty(state.Ended(20).Due);
        Assert.Empty(state.Written(25).Due);
    }

    [Theory]
    [InlineData(false, 20)]
    [InlineData(true, 10)]
    public void The_best_checkpoint_is_that_of_the_metric(bool isLowerBetter, int best)
    {
        var state = Begin(new EvaluationSchedule(["a", "b"], 10, [], 0), metric: new EvaluationMetric("a", isLowerBetter));
        foreach (var (step, score) in new[] { (10, 0.1), (20, 0.7), (30, 0.3), (40, double.NaN) }) (state, _) = state.Scored(step, "a", score);
        (state, var isBest) = state.Scored(50, "b", 1);
        Assert.False(isBest);
        Assert.Equal(best, state.Best!.Value.Step);
    }

    [Fact]
    public void An_evaluator_is_told_which_step_comes_next()
    {
        var state = Begin(OneBenchmark).Written(10).Next.Written(20).Next;
        (state, var lease) = state.Ask("e", 1, TimeSpan.Zero, Second);
        Assert.Equal((10, (int?)20), (lease!.Work.Step, state.After(lease.Work.Step)));
        Assert.Null(Begin(OneBenchmark).Written(10).Next.After(10));
    }

    [Theory]
    [InlineData("10:a:0+4")]
    [InlineData("10:a:0+")]
    [InlineData("10:a")]
    [InlineData("-1:a:0+4")]
    [InlineData("")]
    public void The_name_of_work_is_read_back(string name) => Assert.Equal(name == "10:a:0+4" ? new ScoringWork(10, "a", 0, 4) : null, ScoringWork.Parse(name));
}
