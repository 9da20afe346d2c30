using Tulu2.Collectives;
using Tulu2.Collectives.Generations;
using Tulu2.Collectives.Links;
using Tulu2.Collectives.Network;
using Xunit;

namespace Tulu2.Tests.Collectives.Network;

/// <summary>However a generation ends, no call hangs and each reports the reason.</summary>
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

    /// <summary>A peer that has ended refuses new links; what ended it is on its way over the control link, and is what the calls report.</summary>
    [Fact]
    public async Task A_refused_link_is_not_the_reason_where_the_peer_gave_one()
    {
        using var plane = Ranks.Plane(Transport.Tcp);
        using var first = plane.Join(1, 0, [plane.Endpoint, plane.Endpoint]);
        using var control = new FakePeer(plane.Endpoint, Ranks.Key);
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var second = new LinkedGeneration(1, 1, 2, async (_, key, _) =>
        {
            if (key == LinkKey.Control) return (await control.ConnectAsync(FakePeer.Control(1, 2, 1, 0))).Link;
            refused.SetResult();
            throw new IOException("generation 1 is over at rank 0");
        }, (_, _) => { });
        second.Start();
        var call = Task.Run(() => Assert.Throws<CollectiveAbortedException>(
            () => second.Get(0, new LinkKey(LinkKey.HashOf([0, 1]), LinkPurpose.Calls), new Deadline(Deadline))));
        await refused.Task.WaitAsync(Deadline);
        first.Abort("enough");
        Assert.Contains("enough", (await call.WaitAsync(Deadline)).Message);
        second.Close();
    }

    [Theory]
    [InlineData(Transport.Tcp)]
    [InlineData(Transport.Auto)]
    public void A_missing_peer_ends_the_call_at_its_deadline_and_the_generation_with_it(Transport transport)
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
            // The third rank is alive but makes no call.
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
        Assert.Equal(5, (await waiting.WaitAsync(Deadline)).Generation);
        using var late = first.Join(4, 0, endpoints);
        Assert.Contains("generation 6 has begun", Assert.Throws<CollectiveAbortedException>(() => late.Barrier(Deadline)).Message);
        // The peer learns of the old generation's end even if it never connected to this rank in it.
        using var lateOther = second.Join(6, 1, endpoints);
        var calls = new[] { next, lateOther }.Select(collective => Task.Run(() => collective.AllGather(new[] { (byte)collective.Rank }, Deadline)));
        Assert.All(await Task.WhenAll(calls).WaitAsync(Deadline), gathered => Assert.Equal([[0], [1]], gathered));
    }

    [Fact]
    public async Task A_call_waits_for_a_rank_that_joins_late()
    {
        using NetworkDataPlane first = Ranks.Plane(Transport.Auto), second = Ranks.Plane(Transport.Auto);
        string[] endpoints = [first.Endpoint, second.Endpoint];
        using var other = second.Join(1, 1, endpoints);
        var waiting = Task.Factory.StartNew(() => other.AllGather(new byte[] { 1 }, Deadline), TaskCreationOptions.LongRunning);
        // The call is in progress once the rank that has joined was told to try again.
        Assert.True(SpinWait.SpinUntil(() => first.Counters.Deferred > 0, Deadline));
        Assert.False(waiting.IsCompleted);
        using var one = first.Join(1, 0, endpoints);
        Assert.Equal([[0], [1]], one.AllGather(new byte[] { 0 }, Deadline));
        Assert.Equal([[0], [1]], await waiting.WaitAsync(Deadline));
    }

    [Fact]
    public void A_rank_that_leaves_ends_the_generation_for_the_others_after_they_have_received_what_it_sent()
    {
        var sent = Enumerable.Range(0, 100_000).Select(number => (byte)number).ToArray();
        var received = Ranks.Run(2, Transport.Tcp, collective =>
        {
            var buffer = collective.Rank == 0 ? sent : new byte[sent.Length];
            Ranks.Pinned([buffer], addresses => collective.Broadcast(0, [1], addresses[0], buffer.Length, Deadline));
            if (collective.Rank == 1) Assert.Contains("rank 0 has left", Assert.Throws<CollectiveAbortedException>(() => collective.Barrier(Deadline)).Message);
            return buffer;
        }, barrier: false);
        Assert.Equal(sent, received[1]);
    }
}
