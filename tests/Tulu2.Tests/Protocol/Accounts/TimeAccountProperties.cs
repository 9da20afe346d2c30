using FsCheck.Xunit;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Tests.Protocol.GradientSync;
using Xunit;

namespace Tulu2.Tests.Protocol.Accounts;

/// <summary>Whatever happens to a run, every moment of each of its ranks is in one class of time.</summary>
public sealed class TimeAccountProperties
{
    [Property(MaxTest = 400)]
    public void The_classes_of_every_rank_sum_to_the_time_that_the_run_had_it(int seed, byte shape, byte faults, byte changes, byte takeovers, byte losses, byte away)
    {
        var layout = new ParallelLayout(1 + (shape & 3), 1 + ((shape >> 2) & 1), 1 + ((shape >> 3) & 1));
        var simulation = new SyncSimulation(seed, layout, 1 + ((shape >> 4) & 3), 6, seed & 3, standby: (seed & 4) != 0, fewest: 1);
        var earlier = (away & 1) == 0 ? EarlierTimes.None : new EarlierTimes(new AccountedTimes(5000, [.. Enumerable.Repeat(new ClassTimes(1000, 0, 0, 0, 0, 4000, 0), layout.Size)]), 10 * away) { Resumes = true };
        var account = TimeAccount.Of(simulation.State, simulation.Now, earlier);
        var oracle = new PresenceOracle(layout.Size, simulation.Now, 1000 * 5 * (away & 1) + 10 * away * (away & 1));
        simulation.Observed = (before, command, decision) =>
        {
            account = account.After(before, command, decision);
            oracle.After(command.Now, decision.Next);
            Check(account.Accounted, exact: false);
        };

        var ended = simulation.Run(faults % 12, stopAfter: -1, losses: losses % 4, takeovers: takeovers % 3, changes: changes % 4, leaves: true);

        Assert.True(ended, simulation.Standstill);
        Assert.True(account.IsClosed);
        Check(account.Accounted, exact: true);
        Assert.True(account.Accounted.Sum.Total > 0);

        void Check(AccountedTimes times, bool exact)
        {
            Assert.All(times.Ranks, rank => Assert.All(rank.ByClass, time => Assert.True(time >= 0)));
            Assert.All(times.Ranks, rank => Assert.True(rank.Total <= times.Elapsed));
            Assert.Equal(times.Elapsed, times.Ranks[0].Total);
            if (exact) Assert.Equal(oracle.Times(times.Ranks.Count), times.Ranks.Select(rank => rank.Total));
        }
    }

    [Property(MaxTest = 200)]
    public void The_parts_of_every_recovery_are_times_that_follow_one_another(int seed, byte shape, byte faults)
    {
        var simulation = new SyncSimulation(seed, new ParallelLayout(2 + (shape & 1), 1, 1), 1 + ((shape >> 4) & 3), 6, seed & 3);
        var account = TimeAccount.Of(simulation.State, simulation.Now, EarlierTimes.None);
        var lost = 0;
        var recovered = new List<(Recovery Recovery, TimeSpan At)>();
        simulation.Observed = (before, command, decision) =>
        {
            account = account.After(before, command, decision);
            lost += decision.Effects.OfType<SyncEffect.RankOut>().Count();
            recovered.AddRange(account.Recovered.Select(recovery => (recovery, command.Now)));
        };

        Assert.True(simulation.Run(faults % 8, stopAfter: -1), simulation.Standstill);

        Assert.True(recovered.Count <= lost);
        Assert.All(recovered, one =>
        {
            var (recovery, at) = one;
            Assert.All<long>([recovery.Detect, recovery.Start, recovery.Decide, recovery.Rejoin, recovery.Transfer, recovery.Step, recovery.Redone], part => Assert.True(part >= 0));
            Assert.True(recovery.ToCommit <= at.Ticks / TimeSpan.TicksPerMicrosecond);
            Assert.True(recovery.Redone <= recovery.Step);
        });
    }

    // How long the run had each rank: a sum of its own, of the same history.
    private sealed class PresenceOracle(int ranks, TimeSpan begun, long before)
    {
        private readonly Dictionary<int, long> _times = Enumerable.Range(0, ranks).ToDictionary(rank => rank, _ => before);
        private HashSet<int> _present = [.. Enumerable.Range(0, ranks)];
        private TimeSpan _last = begun;

        public void After(TimeSpan now, GradientSyncState state)
        {
            // What settled a while ago may be heard late.
            now = now > _last ? now : _last;
            var passed = (now - _last).Ticks / TimeSpan.TicksPerMicrosecond;
            foreach (var rank in _present) _times[rank] = _times.GetValueOrDefault(rank) + passed;
            _last = now;
            _present = [.. Enumerable.Range(0, Math.Max(state.Wanted.Size, state.Seats.Length)).Where(rank => rank < state.Wanted.Size || state.Roster.Contains(new Rank(rank)))];
        }

        public IEnumerable<long> Times(int count) => Enumerable.Range(0, count).Select(rank => _times.GetValueOrDefault(rank));
    }
}
