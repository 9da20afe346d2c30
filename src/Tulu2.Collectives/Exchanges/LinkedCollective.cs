using System.Runtime.InteropServices;
using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Generations;
using Tulu2.Collectives.Links;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Collectives.Exchanges;

/// <summary>One rank's end of a group whose ranks are connected by links, pair by pair.</summary>
/// <param name="ranks">The group's ranks, by their numbers in the generation.</param>
/// <param name="rank">This rank's number in the group.</param>
/// <param name="isWorld">The group of all ranks, which ends the generation when disposed.</param>
internal sealed unsafe class LinkedCollective(LinkedGeneration generation, int[] ranks, int rank, bool isWorld) : ICollective
{
    // No call gathers more bytes from one rank; a peer that announces more is faulty.
    private const long MaxGathered = 1 << 30;

    private readonly ulong _group = LinkKey.HashOf(ranks);
    private readonly Link?[] _links = new Link?[ranks.Length];

    public long Generation => generation.Number;
    public int Rank => rank;
    public int Size => ranks.Length;

    public void TreeSum(int slots, IReadOnlyList<PartialSum> local, ElementRange wanted, nint result, long length, TimeSpan deadline)
    {
        CallArguments.CheckTreeSum(local, wanted, length);
        InCall(deadline, until =>
        {
            // Every rank sees the same requests, so either all throw here or none does, and no rank waits for one that has thrown.
            var requests = Array.ConvertAll(Gather(TreeSumRequest.Write(slots, length, wanted, local), until), bytes => TreeSumRequest.Read(bytes));
            if (requests.Any(request => request.Slots != slots || request.Length != length))
                throw new ArgumentException($"the ranks disagree: {string.Join("; ", requests)}", nameof(slots));
            var held = Array.ConvertAll(requests, request => request.Held);
            ReductionTree.CheckCover(slots, [.. held.SelectMany(ranges => ranges)]);
            var summands = ReductionPlan.Summands(slots, held);
            var summandCounts = Array.ConvertAll(summands, own => own.Length);
            var plan = new ReductionPlan(Array.ConvertAll(requests, request => request.Wanted), summandCounts, sizeof(float));
            var adder = new TreeSumAdder(slots, local, summands, rank, wanted, result);
            new ReductionExchange(generation, LinksToAll(until), rank, plan, summandCounts, sizeof(float), adder.Single, adder.Fill, adder.Combine,
                first => result + (nint)((first - wanted.First) * sizeof(float))).Run(until);
        });
    }

    public void AllReduce(nint address, long length, ElementType type, ReduceOperation operation, TimeSpan deadline) => InCall(deadline, until =>
    {
        var size = GroupReduction.SizeOf(type);
        var oneEach = Enumerable.Repeat(1, Size).ToArray();
        var plan = new ReductionPlan([.. oneEach.Select(_ => new ElementRange(0, length))], oneEach, size);
        var program = new TreeProgram(new SlotRange(0, Size), [.. Enumerable.Range(0, Size).Select(one => new SlotRange(one, 1))]);
        var buffers = new nint[Size];
        new ReductionExchange(generation, LinksToAll(until), rank, plan, oneEach, size, address, (_, _, _) => { }, Combine,
            first => address + (nint)(first * size)).Run(until);

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
            if (parts[rank].Count > 0) exchange.Send(other, buffer + (nint)parts[rank].First, parts[rank].Count);
            if (parts[other].Count > 0) exchange.Receive(other, buffer + (nint)parts[other].First, parts[other].Count);
        }
        exchange.Run(until);
    });

    public void Broadcast(int root, IReadOnlyCollection<int> receivers, nint address, long bytes, TimeSpan deadline) => InCall(deadline, until =>
    {
        CallArguments.CheckBroadcast(root, receivers, Size);
        if (bytes == 0 || (rank != root && !receivers.Contains(rank))) return;
        var links = new Link?[Size];
        foreach (var other in rank == root ? receivers.Where(receiver => receiver != root) : [root]) links[other] = Find(other, until);
        var exchange = new CopyExchange(generation, links);
        for (var other = 0; other < Size; other++)
        {
            if (links[other] is null) continue;
            if (rank == root) exchange.Send(other, address, bytes);
            else exchange.Receive(other, address, bytes);
        }
        exchange.Run(until);
    });

    public void Send(int receiver, nint address, long bytes, TimeSpan deadline) => InCall(deadline, until =>
    {
        try
        {
            generation.GetSender(ranks[receiver], new LinkKey(_group, LinkPurpose.Messages), until).Send(address, bytes, until);
        }
        catch (LinkFaultException fault)
        {
            throw generation.EndByFault(fault);
        }
    });

    public void Receive(int sender, nint address, long bytes, TimeSpan deadline) => InCall(deadline, until =>
    {
        var link = generation.Get(ranks[sender], new LinkKey(_group, LinkPurpose.Messages), until);
        var exchange = new CopyExchange(generation, [link], FrameKind.Message);
        exchange.Receive(0, total =>
        {
            if (total == bytes) return address;
            var wrong = $"rank {sender} sent {total} bytes instead of {bytes}";
            generation.Abort(wrong);
            throw new ArgumentException(wrong, nameof(bytes));
        });
        exchange.Run(until);
    });

    /// <summary>
    /// Dissemination barrier: in each round a rank signals one twice as far away; after log2(size) rounds, rounded up, each has heard from all.
    /// </summary>
    public void Barrier(TimeSpan deadline) => InCall(deadline, until =>
    {
        for (var distance = 1; distance < Size; distance *= 2)
        {
            int to = (rank + distance) % Size, from = (rank - distance + Size) % Size;
            var links = new Link?[Size];
            (links[to], links[from]) = (Find(to, until), Find(from, until));
            var exchange = new CopyExchange(generation, links);
            exchange.Send(to, 0, 0);
            exchange.Receive(from, 0, 0);
            exchange.Run(until);
        }
    });

    public ICollective Group(IReadOnlyList<int> members)
    {
        var own = CallArguments.RankIn(members, rank);
        return new LinkedCollective(generation, [.. members.Select(member => ranks[member])], own, isWorld: false);
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
                exchange.Send(other, (nint)pinned.Pointer, local.Length);
                exchange.Receive(other, total =>
                {
                    if (total is < 0 or > MaxGathered) throw new LinkFaultException(ranks[sender], FrameFault.Oversized);
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

    private Link Find(int other, Deadline until) => _links[other] ??= generation.Get(ranks[other], new LinkKey(_group, LinkPurpose.Calls), until);
}
