using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Collectives.Network;
using Xunit;

namespace Tulu2.Tests.Collectives.Network;

/// <summary>However a generation ends, no call hangs and each tells why.</summary>
public sealed class EndTests
{
    private static readonly TimeSpan Deadline = Ranks.Deadline;

    [Theory]
    [InlineData(Transport.Tcp)]
    [InlineData(Transport.Auto)]
    public void An_abort_ends_the_calls_of_all_groups_at_all_ranks(Transport transport)
    {
        var calls = 0;
        Ranks.Run(3, transport, collective =>
        {
            collective.Barrier(Deadline);
            if (collective.Rank == 2)
            {
                SpinWait.SpinUntil(() => Volatile.Read(ref calls) == 2, Deadline);
                collective.Abort("enough");
            }
            else
            {
                // Rank 0 waits for a message, rank 1 in a call of a group; neither waits for the rank that aborts.
                Interlocked.Increment(ref calls);
                var group = collective.Group([0, 1]);
                var error = Assert.Throws<CollectiveAbortedException>(() =>
                {
                    if (collective.Rank == 0) Ranks.Pinned([new byte[8]], addresses => group.Receive(1, addresses[0], 8, Deadline));
                    else group.Barrier(Deadline);
                });
                Assert.Contains("enough", error.Message);
            }
            Assert.Throws<CollectiveAbortedException>(() => collective.Barrier(Deadline));
            return 0;
        }, barrier: false);
    }

    [Theory]
    [InlineData(Transport.Tcp)]
    [InlineData(Transport.Auto)]
    public void A_peer_that_never_comes_ends_the_call_at_its_deadline_and_the_generation_with_it(Transport transport)
    {
        var over = 0;
        Ranks.Run(3, transport, collective =>
        {
            if (collective.Rank == 0)
            {
                Assert.Throws<TimeoutException>(() => collective.AllGather(new byte[1], TimeSpan.FromMilliseconds(200)));
            }
            else if (collective.Rank == 1)
            {
                Assert.Throws<CollectiveAbortedException>(() => collective.AllGather(new byte[1], Deadline));
            }
            // The third is alive, but never calls.
            if (collective.Rank < 2) Interlocked.Increment(ref over);
            else Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref over) == 2, Deadline));
            return 0;
        }, barrier: false);
    }

    [Fact]
    public async Task A_newer_generation_ends_the_older_one_everywhere_and_an_older_one_cannot_be_joined()
    {
        using NetworkDataPlane first = Ranks.Plane(Transport.Tcp), second = Ranks.Plane(Transport.Tcp);
        string[] endpoints = [first.Endpoint, second.Endpoint];
        using var one = first.Join(5, 0, endpoints);
        using var other = second.Join(5, 1, endpoints);
        var waiting = Task.Factory.StartNew(() => Assert.Throws<CollectiveAbortedException>(() => other.Barrier(Deadline)), TaskCreationOptions.LongRunning);
        using var next = first.Join(6, 0, endpoints);
        await waiting.WaitAsync(Deadline);
        using var late = first.Join(4, 0, endpoints);
        Assert.Throws<CollectiveAbortedException>(() => late.Barrier(Deadline));
        // The peer hears of the old generation's end even if it never met this rank in it.
        using var lateOther = second.Join(6, 1, endpoints);
        await Task.WhenAll(Task.Run(() => next.Barrier(Deadline)), Task.Run(() => lateOther.Barrier(Deadline))).WaitAsync(Deadline);
    }

    [Fact]
    public async Task Ranks_may_come_late()
    {
        using NetworkDataPlane first = Ranks.Plane(Transport.Auto), second = Ranks.Plane(Transport.Auto);
        string[] endpoints = [first.Endpoint, second.Endpoint];
        using var other = second.Join(1, 1, endpoints);
        var waiting = Task.Factory.StartNew(() => other.AllGather(new byte[] { 1 }, Deadline), TaskCreationOptions.LongRunning);
        SpinWait.SpinUntil(() => first.Counters.Accepted > 0, TimeSpan.FromMilliseconds(100));
        using var one = first.Join(1, 0, endpoints);
        one.AllGather(new byte[] { 0 }, Deadline);
        await waiting.WaitAsync(Deadline);
    }

    [Fact]
    public void A_rank_that_leaves_ends_the_generation_for_the_others_but_not_what_it_has_sent()
    {
        var start = Stopwatch.GetTimestamp();
        Ranks.Run(2, Transport.Tcp, collective =>
        {
            Ranks.Pinned([new byte[100_000]], addresses =>
            {
                if (collective.Rank == 0) collective.Broadcast(0, [1], addresses[0], 100_000, Deadline);
                else
                {
                    collective.Broadcast(0, [1], addresses[0], 100_000, Deadline);
                    Assert.Contains("has left", Assert.Throws<CollectiveAbortedException>(() => collective.Barrier(Deadline)).Message);
                }
            });
            return 0;
        }, barrier: false);
        Assert.True(Stopwatch.GetElapsedTime(start) < Deadline);
    }
}
