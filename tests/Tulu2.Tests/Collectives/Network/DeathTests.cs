using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Collectives.Network;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.Tests.Collectives.Network;

/// <summary>
/// Peers that die, and resources left by generations that ended in any way. Not parallel: open files and threads are counted for the whole process.
/// </summary>
[Collection(nameof(DeathTests))]
[CollectionDefinition(nameof(DeathTests), DisableParallelization = true)]
public sealed class DeathTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Deadline = Ranks.Deadline;

    [Theory]
    [InlineData(Transport.Tcp)]
    [InlineData(Transport.Auto)]
    public async Task A_dead_peer_ends_the_calls_of_all_groups_even_those_without_it(Transport transport)
    {
        using NetworkDataPlane first = Ranks.Plane(transport), second = Ranks.Plane(transport);
        string[] endpoints = [first.Endpoint, second.Endpoint, first.Endpoint];
        using var one = first.Join(1, 0, endpoints);
        using var other = second.Join(1, 1, endpoints);
        using FakePeer toFirst = new(first.Endpoint, Ranks.Key), toSecond = new(second.Endpoint, Ranks.Key);
        await toFirst.ConnectAsync(FakePeer.Control(1, 3, 2, 0));
        await toSecond.ConnectAsync(FakePeer.Control(1, 3, 2, 1));
        var (meeting, pair) = (new CountdownEvent(2), new[] { 0, 1 });
        Task<long> Pending(Action call) => Task.Factory.StartNew(() =>
        {
            meeting.Signal();
            Assert.Contains("rank 2 is gone", Assert.Throws<CollectiveAbortedException>(call).Message);
            return Stopwatch.GetTimestamp();
        }, TaskCreationOptions.LongRunning);
        await Task.WhenAll(Task.Factory.StartNew(() => one.Group(pair).Barrier(Deadline), TaskCreationOptions.LongRunning),
            Task.Factory.StartNew(() => other.Group(pair).Barrier(Deadline), TaskCreationOptions.LongRunning)).WaitAsync(Deadline);
        Task<long>[] calls =
        [
            Pending(() => one.Group(pair).AllGather(new byte[9], Deadline)),
            Pending(() => Ranks.Pinned([new byte[9]], addresses => other.Group(pair).Receive(0, addresses[0], 9, Deadline))),
        ];
        Assert.True(meeting.Wait(Deadline));
        var killed = Stopwatch.GetTimestamp();
        toFirst.Die();
        var ended = await Task.WhenAll(calls).WaitAsync(Deadline);
        toSecond.Die();
        output.WriteLine($"{transport}: {string.Join(", ", ended.Select(at => $"{Stopwatch.GetElapsedTime(killed, at).TotalMilliseconds:F1} ms"))}");
    }

    /// <summary>Each pipeline stage sends forward before it receives backward: no rank may wait for a receiver that waits for it.</summary>
    [Theory]
    [InlineData(Transport.Tcp)]
    [InlineData(Transport.Auto)]
    public void A_pipeline_of_large_messages_does_not_deadlock(Transport transport)
    {
        const int slots = 9, bytes = 3_000_000;
        Ranks.Run(4, transport, stage =>
        {
            var buffer = new byte[bytes];
            Ranks.Pinned([buffer], addresses =>
            {
                int warm = Math.Min(slots, stage.Size - 1 - stage.Rank), last = stage.Size - 1;
                void Forward(int slot)
                {
                    if (stage.Rank > 0) stage.Receive(stage.Rank - 1, addresses[0], bytes, Deadline);
                    if (stage.Rank > 0) Assert.Equal(slot, buffer[^1]);
                    buffer[^1] = (byte)slot;
                    if (stage.Rank < last) stage.Send(stage.Rank + 1, addresses[0], bytes, Deadline);
                }
                void Backward(int slot)
                {
                    if (stage.Rank < last) stage.Receive(stage.Rank + 1, addresses[0], bytes, Deadline);
                    if (stage.Rank < last) Assert.Equal(100 + slot, buffer[^1]);
                    buffer[^1] = (byte)(100 + slot);
                    if (stage.Rank > 0) stage.Send(stage.Rank - 1, addresses[0], bytes, Deadline);
                }
                for (var slot = 0; slot < warm; slot++) Forward(slot);
                for (var slot = warm; slot < slots; slot++)
                {
                    Forward(slot);
                    Backward(slot - warm);
                }
                for (var slot = slots - warm; slot < slots; slot++) Backward(slot);
            });
            return 0;
        });
    }

    [Theory]
    [InlineData(Transport.Tcp)]
    [InlineData(Transport.Auto)]
    public void Sends_do_not_wait_for_the_receiver_within_the_window(Transport transport) => Ranks.Run(2, transport, collective =>
    {
        var buffer = new byte[20_000_000];
        Ranks.Pinned([buffer], addresses =>
        {
            for (var message = 0; message < ICollective.SendWindow; message++) collective.Send(1 - collective.Rank, addresses[0], buffer.Length, Deadline);
            for (var message = 0; message < ICollective.SendWindow; message++) collective.Receive(1 - collective.Rank, addresses[0], buffer.Length, Deadline);
        });
        return 0;
    });

    [Theory]
    [InlineData(Transport.Tcp)]
    [InlineData(Transport.Auto)]
    public void A_send_does_not_wait_until_the_receiver_calls(Transport transport) => Ranks.Run(3, transport, collective =>
    {
        Ranks.Pinned([new byte[1000]], addresses =>
        {
            if (collective.Rank == 1) collective.Send(0, addresses[0], 1000, Deadline);
            if (collective.Rank == 1) collective.Send(2, addresses[0], 1000, Deadline);
            collective.Barrier(Deadline);
            if (collective.Rank != 1) collective.Receive(1, addresses[0], 1000, Deadline);
        });
        return 0;
    });

    [Fact]
    public void A_thousand_aborts_leave_nothing_behind()
    {
        var random = new Random(5);
        NetworkDataPlane[] planes = [Ranks.Plane(Transport.Auto), Ranks.Plane(Transport.Tcp), Ranks.Plane(Transport.Auto)];
        string[] endpoints = [.. planes.Select(plane => plane.Endpoint)];
        try
        {
            for (var generation = 1; generation <= 50; generation++) Abort(generation);
            var before = Held();
            for (var generation = 51; generation <= 1050; generation++) Abort(generation);
            (int Files, int Mappings, int Threads) after = default;
            // Pool threads come and go; anything ended generations still held would grow with their number.
            Assert.True(SpinWait.SpinUntil(() =>
            {
                after = Held();
                return after.Files <= before.Files + 20 && after.Mappings <= before.Mappings && after.Threads <= before.Threads + 20;
            }, Deadline), $"{before} before, {after} after");
            output.WriteLine($"{before} before, {after} after");
        }
        finally
        {
            foreach (var plane in planes) plane.Dispose();
        }

        void Abort(long generation)
        {
            var collectives = planes.Select((plane, rank) => plane.Join(generation, rank, endpoints)).ToArray();
            int way = random.Next(4), culprit = random.Next(3), size = random.Next(1, 300_000), calls = random.Next(3);
            var threads = collectives.Select(collective => new Thread(() =>
            {
                try
                {
                    for (var call = 0; ; call++)
                    {
                        if (call == calls && collective.Rank == culprit)
                        {
                            if (way == 0) collective.Abort("drawn");
                            if (way == 1) collective.Dispose();
                            if (way == 2) collective.Barrier(TimeSpan.Zero);
                            if (way == 3) return;
                        }
                        collective.AllGather(new byte[size], way == 3 ? TimeSpan.FromMilliseconds(10) : Deadline);
                        if (call % 2 == 0)
                            Ranks.Pinned([new byte[size]], addresses => collective.Send((collective.Rank + 1) % 3, addresses[0], size, Deadline));
                    }
                }
                catch (Exception ended) when (ended is CollectiveAbortedException or TimeoutException) { }
            })).ToArray();
            foreach (var thread in threads) thread.Start();
            var drawn = $"generation {generation}: {calls} calls of {size} bytes, rank {culprit} ends in way {way}";
            foreach (var thread in threads) Assert.True(thread.Join(Deadline), $"a rank hangs in {drawn}");
            // Half of them are never disposed: the next generation ends them.
            if (generation % 2 == 0) foreach (var collective in collectives) collective.Dispose();
        }
    }

    private static (int Files, int Mappings, int Threads) Held() => (Directory.GetFiles("/proc/self/fd").Length,
        File.ReadLines("/proc/self/maps").Count(line => line.Contains("/memfd:tulu2")), Directory.GetDirectories("/proc/self/task").Length);
}
