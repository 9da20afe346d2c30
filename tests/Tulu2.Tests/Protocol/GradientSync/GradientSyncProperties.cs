using FsCheck.Xunit;
using Tulu2.Cluster.Ledger;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Xunit;

namespace Tulu2.Tests.Protocol.GradientSync;

/// <summary>Whatever crashes, repeats and overtakes: steps are transactions, and the end is the same.</summary>
public sealed class GradientSyncProperties
{
    [Property(MaxTest = 1500)]
    public void Every_schedule_of_faults_ends_with_the_parameters_of_a_quiet_run(int seed, byte shape, byte faults)
    {
        int slots = 1 + ((shape >> 2) & 7), steps = 2 + ((shape >> 5) & 7), every = seed & 3;
        var layout = Layout(seed, shape);
        var simulation = new SyncSimulation(seed, layout, slots, steps, every, standby: (seed & 4) != 0);

        var ended = simulation.Run(faults % 24, stopAfter: -1);

        Assert.True(ended, "the run came to a standstill");
        var finished = Assert.IsType<SyncEffect.Finished>(simulation.End);
        Assert.Equal((steps, false), (finished.Step, finished.Cancelled));
        Expect(simulation, finished);
        if (faults % 24 > 0) return;
        Assert.Equal(Enumerable.Range(1, steps), simulation.Commits.Select(commit => commit.Step.Step.Value));
        Assert.Equal(steps * layout.Size, simulation.Cluster.Applied.Count);
        Assert.Equal(steps * slots * layout.ReplicaSize, simulation.Cluster.Computed.Count);
    }

    [Property(MaxTest = 300)]
    public void A_run_stopped_at_any_moment_ends_after_a_whole_step_with_its_checkpoint(int seed, byte shape, byte faults, byte stopAfter)
    {
        var simulation = new SyncSimulation(seed, Layout(seed, shape), 1 + ((shape >> 2) & 7), 8, seed & 3, standby: (seed & 4) != 0);

        var ended = simulation.Run(faults % 12, stopAfter);

        Assert.True(ended, "the run came to a standstill");
        var finished = Assert.IsType<SyncEffect.Finished>(simulation.End);
        Assert.Equal(finished.Step == 0 ? null : $"{finished.Step}", finished.ManifestPath);
        Expect(simulation, finished);
    }

    [Property(MaxTest = 600)]
    public void Messages_that_never_arrive_cost_time_and_nothing_else(int seed, byte shape, byte faults, byte losses, byte stopAfter)
    {
        var simulation = new SyncSimulation(seed, Layout(seed, shape), 1 + ((shape >> 2) & 7), 8, seed & 3, standby: (seed & 4) != 0);

        var ended = simulation.Run(faults % 6, (stopAfter & 1) == 0 ? -1 : stopAfter, losses % 12);

        Assert.True(ended, "the run came to a standstill");
        var finished = Assert.IsType<SyncEffect.Finished>(simulation.End);
        Assert.Equal(finished.Step == 0 ? null : $"{finished.Step}", finished.ManifestPath);
        if ((stopAfter & 1) == 0) Assert.Equal((8, false), (finished.Step, finished.Cancelled));
        Expect(simulation, finished);
    }

    [Property(MaxTest = 600)]
    public void A_supervisor_that_is_lost_in_the_middle_of_a_commit_is_succeeded_by_one_that_goes_on(int seed, byte shape, byte faults, byte takeovers)
    {
        var simulation = new SyncSimulation(seed, Layout(seed, shape), 1 + ((shape >> 2) & 7), 8, seed & 3, standby: (seed & 4) != 0);

        var ended = simulation.Run(faults % 6, stopAfter: -1, takeovers: 1 + takeovers % 4);

        Assert.True(ended, "the run came to a standstill");
        var finished = Assert.IsType<SyncEffect.Finished>(simulation.End);
        Assert.Equal((8, false), (finished.Step, finished.Cancelled));
        Expect(simulation, finished);
    }

    [Property(MaxTest = 1000)]
    public void With_standby_copies_no_rank_that_is_lost_takes_the_run_back(int seed, byte shape, byte from)
    {
        var layout = Layout(seed, shape);
        if (layout.Size == 1) return;
        var simulation = new SyncSimulation(seed, layout, 1 + ((shape >> 2) & 7), 8, seed & 3, standby: true);

        var ended = simulation.Run(faults: 1, stopAfter: -1, from: 2 * from);

        Assert.True(ended, simulation.Standstill);
        ExpectEachStepOnce(simulation);
        // What came back elsewhere has its copy on another node again, some steps later.
        if (!layout.HasTwins && simulation.Commits.Count - simulation.CommitsAtFault > 2)
            Assert.True(StandbyKeepers.AreApart([.. simulation.State.Seats.Select(seat => seat.Node)], simulation.State.Keepers));
    }

    [Property(MaxTest = 300)]
    public void Commits_that_reach_some_ranks_only_are_applied_by_the_others_from_what_they_hold(int seed, byte shape, byte takeovers)
    {
        var simulation = new SyncSimulation(seed, Layout(seed, shape), 1 + ((shape >> 2) & 7), 8, seed & 3);

        var ended = simulation.Run(faults: 0, stopAfter: -1, takeovers: 1 + takeovers % 4);

        Assert.True(ended, simulation.Standstill);
        Assert.Equal(0, simulation.Reloads);
        Expect(simulation, Assert.IsType<SyncEffect.Finished>(simulation.End));
    }

    [Property(MaxTest = 600)]
    public void Whoever_is_there_goes_on_and_the_end_is_the_same(int seed, byte shape, byte faults, byte changes, byte losses)
    {
        var layout = Layout(seed, shape);
        var simulation = new SyncSimulation(seed, layout, 1 + ((shape >> 2) & 7), 8, seed & 3, standby: (seed & 4) != 0, fewest: 1);

        var ended = simulation.Run(faults % 12, stopAfter: -1, losses % 4, takeovers: losses % 3, changes: changes % 6, leaves: true);

        Assert.True(ended, simulation.Standstill);
        var finished = Assert.IsType<SyncEffect.Finished>(simulation.End);
        Assert.Equal((8, false), (finished.Step, finished.Cancelled));
        Expect(simulation, finished);
    }

    [Fact]
    public void One_replica_becomes_four_then_two_then_three()
    {
        var simulation = new SyncSimulation(1, new ParallelLayout(1, tensor: 2), slots: 8, steps: 40, every: 3, fewest: 1);
        foreach (var data in (int[])[4, 2, 3])
        {
            simulation.Run(faults: 0, stopAfter: -1, until: simulation.Commits.Count + 8);
            simulation.Scale(data);
        }
        Assert.True(simulation.Run(faults: 0, stopAfter: -1), simulation.Standstill);
        Assert.Equal([1, 4, 2, 3], simulation.Replicas.Where((data, index) => index == 0 || simulation.Replicas[index - 1] != data));
        Assert.Equal(0, simulation.Reloads);
        Expect(simulation, Assert.IsType<SyncEffect.Finished>(simulation.End));
    }

    [Fact]
    public void The_others_go_on_without_a_rank_that_stays_away_and_with_it_from_the_commit_after_it_comes()
    {
        var simulation = new SyncSimulation(1, new ParallelLayout(3), slots: 6, steps: 12, every: 0, fewest: 2);
        simulation.Run(faults: 0, stopAfter: -1, until: 3);
        simulation.Away(new Rank(1));
        simulation.Run(faults: 0, stopAfter: -1, until: 8);
        simulation.Back();
        Assert.True(simulation.Run(faults: 0, stopAfter: -1), simulation.Standstill);
        Assert.Equal([3, 2, 3], simulation.Replicas.Where((data, index) => index == 0 || simulation.Replicas[index - 1] != data));
        Assert.Equal(0, simulation.Reloads);
        Expect(simulation, Assert.IsType<SyncEffect.Finished>(simulation.End));
    }

    [Fact]
    public void The_only_replica_that_has_the_state_is_not_released_before_another_one_has_it()
    {
        var simulation = new SyncSimulation(1, new ParallelLayout(2), slots: 6, steps: 16, every: 0, fewest: 1);
        simulation.Run(faults: 0, stopAfter: -1, until: 3);
        simulation.Away(new Rank(0));
        simulation.Run(faults: 0, stopAfter: -1, until: 6);
        simulation.Scale(1);
        simulation.Run(faults: 0, stopAfter: -1, until: 9);
        simulation.Back();
        Assert.True(simulation.Run(faults: 0, stopAfter: -1), simulation.Standstill);
        Assert.Equal(0, simulation.Reloads);
        Assert.Equal([0], simulation.State.Roster.Ranks.Select(rank => rank.Value));
        Expect(simulation, Assert.IsType<SyncEffect.Finished>(simulation.End));
    }

    [Property(MaxTest = 600)]
    public void A_rank_that_is_lost_while_the_run_is_scaled_takes_no_step_back(int seed, byte shape, byte changes, byte from)
    {
        var random = new Random(seed);
        var layout = new ParallelLayout(2 + (shape & 1), random.Next(2) + 1);
        var simulation = new SyncSimulation(seed, layout, 1 + ((shape >> 2) & 7), 8, seed & 3, fewest: 1) { FewestWanted = 2 };

        var ended = simulation.Run(faults: 1, stopAfter: -1, from: 2 * from, changes: changes % 6);

        Assert.True(ended, simulation.Standstill);
        ExpectEachStepOnce(simulation);
    }

    [Property(MaxTest = 600)]
    public void A_run_that_is_scaled_makes_no_slot_twice(int seed, byte shape, byte changes)
    {
        var (layout, slots) = (Layout(seed, shape), 1 + ((shape >> 2) & 7));
        var simulation = new SyncSimulation(seed, layout, slots, 8, seed & 3, fewest: 1);

        var ended = simulation.Run(faults: 0, stopAfter: -1, changes: changes % 8);

        Assert.True(ended, simulation.Standstill);
        ExpectEachStepOnce(simulation);
        Assert.Equal(8 * slots * layout.ReplicaSize, simulation.Cluster.Computed.Count);
    }

    [Property(MaxTest = 600)]
    public void A_worker_that_is_told_to_leave_makes_its_step_first_and_no_slot_is_made_twice(int seed, byte shape, byte changes)
    {
        var (layout, slots) = (Layout(seed, shape), 1 + ((shape >> 2) & 7));
        var isKept = (seed & 16) == 0;
        var simulation = new SyncSimulation(seed, layout, slots, 8, seed & 3, standby: isKept, fewest: (seed & 8) == 0 ? 1 : int.MaxValue);

        var ended = simulation.LeaveOneByOne(1 + changes % 3);

        Assert.True(ended, simulation.Standstill);
        // Where nobody else has its state, its step has a checkpoint before it goes.
        if (layout.HasTwins || (isKept && layout.MayKeepCopies)) Assert.Equal(0, simulation.Reloads);
        Expect(simulation, Assert.IsType<SyncEffect.Finished>(simulation.End));
        Assert.Equal(Enumerable.Range(1, 8), simulation.Commits.Select(commit => commit.Step.Step.Value));
        Assert.Equal(8 * slots * layout.ReplicaSize, simulation.Cluster.Computed.Count);
    }

    private static void ExpectEachStepOnce(SyncSimulation simulation)
    {
        Expect(simulation, Assert.IsType<SyncEffect.Finished>(simulation.End));
        Assert.Equal(0, simulation.Reloads);
        Assert.Equal(Enumerable.Range(1, 8), simulation.Commits.Select(commit => commit.Step.Step.Value));
    }

    private static ParallelLayout Layout(int seed, byte shape)
    {
        var random = new Random(seed ^ shape);
        var data = 1 + (shape & 3);
        int tensor = random.Next(3) == 0 ? 2 : 1, pipeline = random.Next(3) == 0 ? 1 + random.Next(3) : 1;
        return new ParallelLayout(data, tensor, pipeline, random.Next(2) == 0 ? data : data == 4 ? 2 : 1);
    }

    private static void Expect(SyncSimulation simulation, SyncEffect.Finished finished)
    {
        Assert.Empty(simulation.Cluster.Violations);
        if (finished.ParametersSha256 is { } hash) Assert.Equal($"{simulation.Cluster.Expected(finished.Step):x16}", hash);
        if (finished.Step > 0) Assert.Equal(simulation.Cluster.Expected(finished.Step), simulation.Cluster.Snapshots[finished.Step]);
        Assert.All(simulation.Cluster.Applied, applied => Assert.Equal(simulation.Cluster.Expected(applied.Step), applied.Value));
        Assert.Equal([], LedgerVerifier.Verify(simulation.Ledger).Faults);
    }
}
