using System.Runtime.InteropServices;
using FsCheck.Xunit;
using Tulu2.Collectives;
using Tulu2.Collectives.Network;
using Tulu2.Collectives.Reduction;
using Xunit;

namespace Tulu2.Tests.Collectives.Network;

/// <summary>Every call has the same result, to the last bit, as between threads of one process.</summary>
public sealed class SameBitsTests
{
    private static readonly TimeSpan Deadline = Ranks.Deadline;

    [Property(MaxTest = 15)]
    public void Over_TCP(int seed) => HasSameBits(seed, Transport.Tcp);

    [Property(MaxTest = 15)]
    public void Over_shared_memory(int seed) => HasSameBits(seed, Transport.Auto);

    internal static void HasSameBits(int seed, Transport transport, PeerIdentity? identity = null)
    {
        var ranks = new Random(seed).Next(1, 6);
        var expected = Ranks.Run(ranks, null, collective => Script(collective, seed));
        var actual = Ranks.Run(ranks, transport, collective => Script(collective, seed), identity: identity);
        for (var rank = 0; rank < ranks; rank++)
        {
            Assert.Equal(expected[rank].Count, actual[rank].Count);
            for (var index = 0; index < expected[rank].Count; index++)
            {
                Assert.Equal(expected[rank][index].Call, actual[rank][index].Call);
                Assert.True(expected[rank][index].Bytes.AsSpan().SequenceEqual(actual[rank][index].Bytes),
                    $"{expected[rank][index].Call} at rank {rank} of {ranks}, seed {seed}");
            }
        }
    }

    // The same random calls on all ranks: of the whole generation, then of a group, then of the whole generation again.
    private static List<(string Call, byte[] Bytes)> Script(ICollective world, int seed)
    {
        var results = new List<(string, byte[])>();
        var common = new Random(seed);
        Calls(world, 1);
        var members = Enumerable.Range(0, world.Size).Where(_ => common.Next(3) > 0).ToArray();
        if (members.Contains(world.Rank)) Calls(world.Group(members), 2);
        Calls(world, 3);
        return results;

        void Calls(ICollective collective, int round)
        {
            var random = new Random(Mix(seed, round));
            for (var call = 0; call < 4; call++)
            {
                var draw = random.Next();
                results.Add(random.Next(7) switch
                {
                    0 or 1 => ("tree sum", TreeSum(collective, draw)),
                    2 => ("all-reduce", AllReduce(collective, draw)),
                    3 => ("all-gather", Gather(collective, draw)),
                    4 => ("all-gather in place", GatherInPlace(collective, draw)),
                    5 => ("broadcast", Broadcast(collective, draw)),
                    _ => ("messages", Messages(collective, draw)),
                });
            }
        }
    }

    private static byte[] TreeSum(ICollective collective, int seed)
    {
        var random = new Random(seed);
        int slots = random.Next(1, 14), length = Length(random);
        var gradients = Enumerable.Range(0, slots).Select(slot => Wild(new Random(seed + slot), length)).ToArray();
        var owners = Enumerable.Range(0, slots).Select(_ => random.Next(collective.Size)).ToArray();
        var everything = random.Next(3) == 0;
        var wanted = Enumerable.Range(0, collective.Size).Select(_ =>
        {
            var first = everything ? 0 : random.Next(length);
            return new ElementRange(first, everything ? length : random.Next(length - first + 1));
        }).ToArray()[collective.Rank];

        // Partial sums are merged as far as possible, or not at all.
        var merges = random.Next(2) == 0;
        var partials = new List<(SlotRange Node, float[] Values)>();
        for (var slot = 0; slot < slots;)
        {
            var end = slot + 1;
            while (merges && end < slots && owners[end] == owners[slot]) end++;
            if (owners[slot] == collective.Rank)
                foreach (var node in ReductionTree.Cover(slots, new SlotRange(slot, end - slot))) partials.Add((node, Sum(node, gradients)));
            slot = end;
        }
        var result = new float[wanted.Count];
        Ranks.Pinned([result, .. partials.Select(partial => partial.Values)], addresses => collective.TreeSum(slots,
            [.. partials.Select((partial, index) => new PartialSum(partial.Node, addresses[index + 1], length))], wanted, addresses[0], length, Deadline));
        return MemoryMarshal.AsBytes(result.AsSpan()).ToArray();
    }

    private static byte[] AllReduce(ICollective collective, int seed)
    {
        var random = new Random(seed);
        var length = Length(random);
        var type = random.Next(2) == 0 ? ElementType.Float32 : ElementType.BFloat16;
        var operation = random.Next(3) == 0 ? ReduceOperation.Max : ReduceOperation.Sum;
        var values = Wild(new Random(seed + collective.Rank), length);
        Array buffer = type == ElementType.Float32 ? values : Array.ConvertAll(values, GroupReduction.Round);
        Ranks.Pinned([buffer], addresses => collective.AllReduce(addresses[0], length, type, operation, Deadline));
        return buffer is float[] floats ? MemoryMarshal.AsBytes(floats.AsSpan()).ToArray() : MemoryMarshal.AsBytes(((ushort[])buffer).AsSpan()).ToArray();
    }

    private static byte[] Gather(ICollective collective, int seed)
    {
        var random = new Random(seed + collective.Rank);
        var local = new byte[random.Next(3) == 0 ? random.Next(20) : random.Next(400_000)];
        random.NextBytes(local);
        return [.. collective.AllGather(local, Deadline).SelectMany(bytes => bytes)];
    }

    private static byte[] GatherInPlace(ICollective collective, int seed)
    {
        var random = new Random(seed);
        var parts = new ElementRange[collective.Size];
        var end = 0L;
        foreach (var rank in Enumerable.Range(0, collective.Size).OrderBy(_ => random.Next()).ToArray())
        {
            end += random.Next(9);
            parts[rank] = new ElementRange(end, random.Next(4) == 0 ? 0 : random.Next(300_000));
            end = parts[rank].End;
        }
        var buffer = new byte[end + 5];
        var mine = parts[collective.Rank];
        new Random(seed + collective.Rank).NextBytes(buffer.AsSpan((int)mine.First, (int)mine.Count));
        Ranks.Pinned([buffer], addresses => collective.AllGather(addresses[0], parts, Deadline));
        return buffer;
    }

    private static byte[] Broadcast(ICollective collective, int seed)
    {
        var random = new Random(seed);
        var root = random.Next(collective.Size);
        var receivers = Enumerable.Range(0, collective.Size).Where(_ => random.Next(2) == 0).ToArray();
        var buffer = new byte[random.Next(500_000)];
        new Random(seed + collective.Rank).NextBytes(buffer);
        Ranks.Pinned([buffer], addresses => collective.Broadcast(root, receivers, addresses[0], buffer.Length, Deadline));
        return buffer;
    }

    // Every rank sends a few messages to every other; a barrier overtakes them; then all are received.
    private static byte[] Messages(ICollective collective, int seed)
    {
        int Bytes(int from, int to, int number) => new Random(Mix(seed, from, to, number)).Next(5) * 70_001;
        var received = new List<byte>();
        for (var number = 0; number < ICollective.SendWindow - 1; number++)
            for (var to = 0; to < collective.Size; to++)
            {
                var message = new byte[Bytes(collective.Rank, to, number)];
                new Random(Mix(seed, collective.Rank, to)).NextBytes(message);
                if (to != collective.Rank) Ranks.Pinned([message], addresses => collective.Send(to, addresses[0], message.Length, Deadline));
                Array.Clear(message);
            }
        collective.Barrier(Deadline);
        for (var from = 0; from < collective.Size; from++)
            for (var number = 0; from != collective.Rank && number < ICollective.SendWindow - 1; number++)
            {
                var message = new byte[Bytes(from, collective.Rank, number)];
                Ranks.Pinned([message], addresses => collective.Receive(from, addresses[0], message.Length, Deadline));
                received.AddRange(message);
            }
        return [.. received];
    }

    private static int Mix(params ReadOnlySpan<int> numbers)
    {
        var mixed = 17;
        foreach (var number in numbers) mixed = unchecked(mixed * 1_000_003 + number);
        return mixed;
    }

    private static int Length(Random random) => random.Next(4) switch { 0 => random.Next(1, 40), 1 => random.Next(1, 3000), _ => random.Next(1, 90_000) };

    private static float[] Sum(SlotRange node, float[][] gradients)
    {
        if (node.Count == 1) return [.. gradients[node.First]];
        var (left, right) = ReductionTree.Split(node);
        var (a, b) = (Sum(left, gradients), Sum(right, gradients));
        for (var index = 0; index < a.Length; index++) a[index] += b[index];
        return a;
    }

    private static float[] Wild(Random random, int length)
    {
        var values = new float[length];
        for (var index = 0; index < length; index++)
            values[index] = BitConverter.UInt32BitsToSingle(((uint)random.Next() & 0x807F_FFFF) | ((uint)random.Next(90, 160) << 23));
        return values;
    }
}
