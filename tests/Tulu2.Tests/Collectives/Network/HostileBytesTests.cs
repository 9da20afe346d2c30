using System.Collections.Concurrent;
using System.Net.Sockets;
using FsCheck.Xunit;
using Tulu2.Collectives;
using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Network;
using Xunit;

namespace Tulu2.Tests.Collectives.Network;

/// <summary>Bytes from strangers, ranks of old generations and faulty ranks are refused, logged and counted; no rank hangs, and the run goes on.</summary>
public sealed class HostileBytesTests
{
    private static readonly TimeSpan Deadline = Ranks.Deadline;

    [Fact]
    public async Task Strangers_are_refused_logged_and_counted_while_the_run_goes_on()
    {
        var log = new ConcurrentQueue<string>();
        using var first = Ranks.Plane(Transport.Auto, log.Enqueue, connect: TimeSpan.FromSeconds(1));
        using var second = Ranks.Plane(Transport.Auto);
        string[] endpoints = [first.Endpoint, second.Endpoint];
        using var one = first.Join(7, 0, endpoints);
        using var other = second.Join(7, 1, endpoints);
        var stop = 0;
        var running = new[] { one, other }.Select(collective => Task.Factory.StartNew(() =>
        {
            // Both see the same bytes, so both stop after the same round.
            while (collective.AllGather(new[] { (byte)Volatile.Read(ref stop) }, Deadline).All(word => word[0] == 0)) ;
        }, TaskCreationOptions.LongRunning)).ToArray();

        using var right = new FakePeer(first.Endpoint, Ranks.Key);
        using var wrong = new FakePeer(first.Endpoint, [.. Ranks.Key.Select(number => (byte)(number + 1))]);
        _ = right.Open();
        await Assert.ThrowsAsync<RefusedException>(() => wrong.ConnectAsync(FakePeer.Control(7, 2, 1, 0)));
        (Hello Hello, Refusal Refusal)[] cases =
        [
            (FakePeer.Control(6, 2, 1, 0), Refusal.OldGeneration),
            (FakePeer.Control(7, 2, 1, 1), Refusal.WrongRank),
            (FakePeer.Control(7, 2, 0, 0), Refusal.WrongRank),
            (FakePeer.Control(7, 3, 2, 0), Refusal.WrongRank),
            (FakePeer.Control(7, 2, -1, 0), Refusal.WrongRank),
            (FakePeer.Control(7, 2, 1, 0), Refusal.Superfluous),
        ];
        foreach (var (asking, refusal) in cases)
            Assert.Equal(refusal, (await Assert.ThrowsAsync<RefusedException>(() => right.ConnectAsync(asking))).Refusal);
        var malformed = 0;
        var random = new Random(1);
        for (var round = 0; round < 50; round++)
        {
            var socket = right.Open();
            var bytes = new byte[random.Next(1, 400)];
            random.NextBytes(bytes);
            var hello = Handshake.WriteHello(FakePeer.Control(7, 2, 1, 0), new byte[32]);
            if (round % 3 == 0) bytes = [.. hello, .. new byte[random.Next(1, 60)]];
            if (round % 3 == 1) bytes = hello[..random.Next(1, Handshake.HelloSize)];
            socket.Send(bytes);
            socket.Shutdown(SocketShutdown.Send);
            malformed++;
        }
        bool Done() => first.Counters.Refused(Refusal.HalfOpen) >= 1
            && first.Counters.Refused(Refusal.Malformed) + first.Counters.Refused(Refusal.WrongKey) >= malformed;
        Assert.True(SpinWait.SpinUntil(Done, Deadline));

        Interlocked.Increment(ref stop);
        await Task.WhenAll(running).WaitAsync(Deadline);
        Assert.True(first.Counters.Refused(Refusal.WrongKey) >= 1);
        Assert.Equal(1, first.Counters.Refused(Refusal.OldGeneration));
        Assert.Equal(4, first.Counters.Refused(Refusal.WrongRank));
        Assert.Equal(1, first.Counters.Refused(Refusal.Superfluous));
        // Of each kind one line, and at most one more in ten seconds: a stranger cannot fill the disk.
        Assert.InRange(log.Count, 4, malformed / 2);
        Assert.Contains(log, line => line.Contains("WrongKey"));
    }

    [Property(MaxTest = 40)]
    public void Invalid_frames_end_the_generation_with_their_fault_and_the_next_generation_works(int seed)
    {
        var random = new Random(seed);
        using var plane = Ranks.Plane(Transport.Tcp);
        using (var collective = plane.Join(1, 0, [plane.Endpoint, plane.Endpoint]))
        using (var peer = new FakePeer(plane.Endpoint, Ranks.Key))
        {
            var kind = random.Next(7);
            var sending = Task.Run(async () =>
            {
                await peer.ConnectAsync(FakePeer.Control(1, 2, 1, 0));
                var (socket, link) = await peer.ConnectAsync(FakePeer.Calls(1, 1, 0, 0, 1));
                socket.Send(Garbage(random, kind, link.Seed));
            });
            // The rank expects a first frame with the other's eight bytes.
            var error = Assert.ThrowsAny<CollectiveAbortedException>(void () => { while (true) collective.AllGather(new byte[8], Deadline); });
            FrameFault[] expected = kind switch
            {
                0 => [FrameFault.CorruptHeader],
                1 => [FrameFault.CorruptHeader, FrameFault.CorruptPayload],
                2 => [FrameFault.OutOfOrder],
                3 => [FrameFault.Oversized],
                4 => [FrameFault.WrongGeneration],
                5 => [FrameFault.Unexpected],
                _ => [FrameFault.Oversized],
            };
            Assert.Contains(Assert.IsType<FrameFaultException>(error).Fault, expected);
            Assert.Equal(1, expected.Sum(plane.Counters.Faults));
            Assert.True(sending.IsCompletedSuccessfully || SpinWait.SpinUntil(() => sending.IsCompleted, Deadline));
        }
        using var second = Ranks.Plane(Transport.Tcp);
        Assert.Equal([2, 2], Ranks.Run([plane, second], 2, collective => collective.AllGather(new byte[1], Deadline).Length));
    }

    private static byte[] Garbage(Random random, int kind, ulong seed)
    {
        byte[] Frame(long sequence = 0, long generation = 1, FrameKind frame = FrameKind.Copy, int? length = null, long argument = 8)
        {
            var payload = new byte[8];
            random.NextBytes(payload);
            var bytes = new byte[FrameHeader.Size + payload.Length];
            new FrameHeader(frame, length ?? payload.Length, generation, sequence, argument, FrameHeader.Checksum(payload, seed)).Write(bytes, seed);
            payload.CopyTo(bytes, FrameHeader.Size);
            return bytes;
        }
        switch (kind)
        {
            case 0:
                var noise = new byte[random.Next(FrameHeader.Size, 300_000)];
                random.NextBytes(noise);
                return noise;
            case 1:
                var flipped = Frame();
                flipped[random.Next(flipped.Length)] ^= (byte)(1 << random.Next(8));
                return flipped;
            case 2:
                var replayed = Frame();
                return [.. replayed, .. replayed];
            case 3:
                return Frame(length: random.Next(2) == 0 ? FrameHeader.MaxPayload + 1 + random.Next(1 << 30) : -1 - random.Next(1 << 30));
            case 4:
                return Frame(generation: random.Next(2) == 0 ? 0 : 2);
            case 5:
                return Frame(frame: FrameKind.Summands);
            default:
                // A valid frame of an all-gather that is too large to be held.
                return Frame(argument: long.MaxValue - random.Next(1000));
        }
    }
}
