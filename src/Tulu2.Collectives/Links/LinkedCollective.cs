using System.Runtime.InteropServices;
using Tulu2.Collectives.Reduction;
using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.Links;

/// <summary>One rank's end of a group whose ranks are joined by links, pair by pair.</summary>
/// <param name="ranks">The group's ranks by their numbers in the generation.</param>
/// <param name="rank">This rank's number in the group.</param>
/// <param name="isWorld">Disposing ends the generation.</param>
internal sealed unsafe class LinkedCollective(LinkedGeneration generation, int[] ranks, int rank, bool isWorld) : ICollective
{
    // No call gathers more bytes of one rank than this; a peer that says so is not believed.
    private const long MaxGathered = 1 << 30;

    private readonly ulong _group = Lane.GroupOf(ranks);
    private readonly Link?[] _links = new Link?[ranks.Length];

    public long Generation => generation.Number;
    public int Rank => rank;
    public int Size => ranks.Length;

    public void TreeSum(int slots, IReadOnlyList<PartialSum> local, ElementRange wanted, nint result, long length, TimeSpan deadline)
    {
        foreach (var partial in local)
            if (partial.Length != length) throw new ArgumentException($"the sum over {partial.Range} has {partial.Length} floats, not {length}", nameof(local));
        if (wanted.First < 0 || wanted.Count < 0 || wanted.End > length) throw new ArgumentOutOfRangeException(nameof(wanted), $"{wanted} is not within {length} floats");
        InCall(deadline, until =>
        {
            // Every rank sees the same words, so that all come to the same answer here and none waits for one that has thrown.
            var words = Array.ConvertAll(Gather(TreeSumWord.Write(slots, length, wanted, local), until), bytes => TreeSumWord.Read(bytes));
            if (words.Any(word => word.Slots != slots || word.Length != length)) throw new ArgumentException($"the ranks disagree: {string.Join("; ", words)}", nameof(slots));
            var held = Array.ConvertAll(words, word => word.Held);
            if (!ReductionTree.IsCover(slots, [.. held.SelectMany(ranges => ranges)]))
                throw new ArgumentException($"the sums {string.Join(", ", held.SelectMany(ranges => ranges))} do not make up {slots} slots", nameof(local));
            var units = ReductionPlan.Units(slots, held);
            var plan = new ReductionPlan(Array.ConvertAll(words, word => word.Wanted), [.. units.Select(own => own.Length)], sizeof(float));
            var adder = new TreeSumAdder(slots, local, units, rank, wanted, result);
            new ReductionExchange(generation, LinksToAll(until), rank, plan, Array.ConvertAll(units, own => own.Length), sizeof(float), adder.Single, adder.Fill, adder.Combine,
                first => result + (nint)((first - wanted.First) * sizeof(float))).Run(until);
        });
    }

    public void AllReduce(nint address, long length, ElementType type, ReduceOperation operation, TimeSpan deadline) => InCall(deadline, until =>
    {
        var size = GroupReduction.SizeOf(type);
        var everybody = Enumerable.Repeat(1, Size).ToArray();
        var plan = new ReductionPlan([.. everybody.Select(_ => new ElementRange(0, length))], everybody, size);
        var program = new TreeProgram(new SlotRange(0, Size), [.. Enumerable.Range(0, Size).Select(one => new SlotRange(one, 1))]);
        var buffers = new nint[Size];
        new ReductionExchange(generation, LinksToAll(until), rank, plan, everybody, size, address, (_, _, _) => { }, Combine, first => address + (nint)(first * size)).Run(until);

        void Combine(long first, int count, ReadOnlySpan<nint> summands)
        {
            var begin = (nint)(first * size);
            for (var index = 0; index < buffers.Length; index++) buffers[index] = index == rank ? address + begin : summands[index];
            if (type == ElementType.Float32) program.Run(buffers, address + begin, count, operation);
            else GroupReduction.Into(buffers, rank, 0, count, type, operation);
        }
    });

    public byte[][] AllGather(ReadOnlyMemory<byte> local, TimeSpan deadline)
    {
        byte[][] all = [];
        InCall(deadline, until => all = Gather(local, until));
        return all;
    }

    public void AllGather(nint buffer, IReadOnlyList<ElementRange> parts, TimeSpan deadline) => InCall(deadline, until =>
    {
        var exchange = new CopyExchange(generation, LinksToAll(until));
        for (var other = 0; other < Size; other++)
        {
            if (other == rank) continue;
            if (parts[rank].Count > 0) exchange.Give(other, buffer + (nint)parts[rank].First, parts[rank].Count);
            if (parts[other].Count > 0) exchange.Take(other, buffer + (nint)parts[other].First, parts[other].Count);
        }
        exchange.Run(until);
    });

    public void Broadcast(int root, IReadOnlyCollection<int> receivers, nint address, long bytes, TimeSpan deadline) => InCall(deadline, until =>
    {
        if (bytes == 0 || (rank != root && !receivers.Contains(rank))) return;
        var links = new Link?[Size];
        if (rank != root) links[root] = Find(root, until);
        else
            foreach (var receiver in receivers)
                if (receiver != root) links[receiver] = Find(receiver, until);
        var exchange = new CopyExchange(generation, links);
        for (var other = 0; other < Size; other++)
        {
            if (links[other] is null) continue;
            if (rank == root) exchange.Give(other, address, bytes);
            else exchange.Take(other, address, bytes);
        }
        exchange.Run(until);
    });

    public void Send(int receiver, nint address, long bytes, TimeSpan deadline) => InCall(deadline, until =>
    {
        try
        {
            MessagesTo(receiver, until).Send(address, bytes, until);
        }
        catch (LinkFaultException fault)
        {
            throw generation.EndByFault(fault);
        }
    });

    public void Receive(int sender, nint address, long bytes, TimeSpan deadline) => InCall(deadline, until =>
    {
        var exchange = new CopyExchange(generation, [MessagesTo(sender, until).Link], FrameKind.Message);
        exchange.Take(0, total =>
        {
            if (total == bytes) return address;
            var wrong = $"rank {sender} sent {total} bytes, not {bytes}";
            generation.Abort(wrong);
            throw new ArgumentException(wrong, nameof(bytes));
        });
        exchange.Run(until);
    });

    /// <summary>In rounds, in each of which a rank meets one twice as far away: all know of all after as many as the size has binary digits.</summary>
    public void Barrier(TimeSpan deadline) => InCall(deadline, until =>
    {
        for (var distance = 1; distance < Size; distance *= 2)
        {
            int to = (rank + distance) % Size, from = (rank - distance + Size) % Size;
            var links = new Link?[Size];
            (links[to], links[from]) = (Find(to, until), Find(from, until));
            var exchange = new CopyExchange(generation, links);
            exchange.Give(to, 0, 0);
            exchange.Take(from, 0, 0);
            exchange.Run(until);
        }
    });

    public ICollective Group(IReadOnlyList<int> members)
    {
        for (var index = 1; index < members.Count; index++)
            if (members[index] <= members[index - 1]) throw new ArgumentException($"group {string.Join(", ", members)}: not ascending", nameof(members));
        var mine = members.ToList().IndexOf(rank);
        if (mine < 0) throw new ArgumentException($"group {string.Join(", ", members)}: rank {rank} is not in it", nameof(members));
        return new LinkedCollective(generation, [.. members.Select(member => ranks[member])], mine, isWorld: false);
    }

    public void Abort(string reason) => generation.Abort(reason);

    public void Dispose()
    {
        if (isWorld) generation.Close();
    }

    private void InCall(TimeSpan deadline, Action<Deadline> call)
    {
        var until = new Deadline(deadline);
        generation.Enter();
        try
        {
            call(until);
        }
        finally
        {
            generation.Leave();
        }
    }

    private byte[][] Gather(ReadOnlyMemory<byte> local, Deadline until)
    {
        var all = new byte[Size][];
        all[rank] = local.ToArray();
        if (Size == 1) return all;
        var exchange = new CopyExchange(generation, LinksToAll(until));
        using var pinned = local.Pin();
        var handles = new GCHandle[Size];
        try
        {
            for (var other = 0; other < Size; other++)
            {
                if (other == rank) continue;
                var sender = other;
                exchange.Give(other, (nint)pinned.Pointer, local.Length);
                exchange.Take(other, total =>
                {
                    if (total is < 0 or > MaxGathered) throw new LinkFaultException(ranks[sender], WireFault.Oversized);
                    handles[sender] = GCHandle.Alloc(all[sender] = new byte[total], GCHandleType.Pinned);
                    return handles[sender].AddrOfPinnedObject();
                });
            }
            exchange.Run(until);
        }
        finally
        {
            foreach (var handle in handles)
                if (handle.IsAllocated) handle.Free();
        }
        return all;
    }

    private Link?[] LinksToAll(Deadline until)
    {
        for (var other = 0; other < Size; other++)
            if (other != rank) Find(other, until);
        return _links;
    }

    private Link Find(int other, Deadline until) => _links[other] ??= generation.Get(ranks[other], new Lane(_group, LanePurpose.Calls), until);

    private MessageLane MessagesTo(int other, Deadline until) => generation.GetMessages(ranks[other], new Lane(_group, LanePurpose.Messages), until);
}
