using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.Links;

/// <summary>
/// One rank's part in a reduction. To each peer go the summands of the chunks that it makes and, a little later, the chunks of the result made here; so a result is sent
/// on while it is still in the cache. The order of frames on each link follows from the plan alone: position i carries the summands of the receiver's i-th chunk, then
/// the sender's (i - <see cref="Lag"/>)-th result. A result at position i needs only summands at positions before i, so no cycle of ranks can wait for each other.
/// </summary>
internal sealed class ReductionExchange : Exchange
{
    private const int Lag = 2;

    /// <summary>Writes this rank's summands of a run of elements one behind the other.</summary>
    public delegate void Fill(long first, int count, nint room);

    /// <summary>Adds up a run of elements into this rank's result.</summary>
    /// <param name="units">By rank: where its summands of the run begin; 0 where it has none.</param>
    public delegate void Combine(long first, int count, ReadOnlySpan<nint> units);

    private sealed class Side
    {
        public int Out, In, OutEnd, InEnd;
        public nint Held;
        public bool Flushed;
        public bool Stuck;
    }

    private readonly ReductionPlan _plan;
    private readonly int _rank;
    private readonly int[] _units;
    private readonly int _elementSize;
    private readonly nint _single;
    private readonly Fill _fill;
    private readonly Combine _combine;
    private readonly Func<long, nint> _result;
    private readonly Side[] _sides;
    private readonly nint[] _summands;
    private int _made;

    /// <param name="units">By rank: summands of each element.</param>
    /// <param name="single">Where this rank's only summand of element 0 lies, if it can be sent as it is; else 0.</param>
    /// <param name="result">Where an element of the result belongs.</param>
    public ReductionExchange(LinkedGeneration generation, Link?[] links, int rank, ReductionPlan plan, int[] units, int elementSize, nint single, Fill fill,
        Combine combine, Func<long, nint> result) : base(generation, links)
    {
        (_plan, _rank, _units, _elementSize, _single, _fill, _combine, _result) = (plan, rank, units, elementSize, single, fill, combine, result);
        _summands = new nint[links.Length];
        _sides = [.. links.Select((link, peer) => new Side
        {
            OutEnd = link is null ? 0 : End(peer, rank),
            InEnd = link is null ? 0 : End(rank, peer),
            Flushed = link is null,
        })];

        // Twice as many steps as positions: summands, result.
        int End(int receiver, int sender) => 2 * Math.Max(plan.Chunks[receiver].Length, plan.Chunks[sender].Length + Lag);
    }

    private ReductionChunk[] Mine => _plan.Chunks[_rank];

    protected override bool IsDone => _made == Mine.Length && Array.TrueForAll(_sides, side => side.Flushed && side.In >= side.InEnd);

    protected override bool WantsInput(int index) => _sides[index].In < _sides[index].InEnd && _sides[index].Held == 0;

    // One that waits for its own result to be made has nothing to write, even if there is room.
    protected override bool WantsOutput(int index) => !_sides[index].Flushed && (_sides[index].Stuck || CanSend(_sides[index].Out));

    protected override bool Advance()
    {
        var progress = false;
        for (var peer = 0; peer < Links.Length; peer++)
        {
            if (Links[peer] is not { } link) continue;
            progress |= Send(link, peer, _sides[peer]) | Receive(link, peer, _sides[peer]);
        }
        return progress | Make();
    }

    private bool CanSend(int step) => step % 2 == 0 || step / 2 - Lag < _made;

    private bool Send(Link link, int peer, Side side)
    {
        if (side.Flushed) return false;
        var progress = false;
        for (; side.Out < side.OutEnd; side.Out++)
        {
            if (!Carries(_rank, peer, side.Out, out var chunk)) continue;
            if (!CanSend(side.Out))
            {
                side.Stuck = !link.TryFlush();
                return progress;
            }
            if (!(side.Out % 2 == 0 ? SendSummands(link, chunk) : link.TrySend(FrameKind.Result, _result(chunk.First), chunk.Count * _elementSize, chunk.First)))
                return progress;
            progress = true;
        }
        side.Flushed = link.TryFlush();
        side.Stuck = !side.Flushed;
        return progress | side.Flushed;
    }

    private bool SendSummands(Link link, ReductionChunk chunk)
    {
        var bytes = _units[_rank] * chunk.Count * _elementSize;
        if (_single != 0) return link.TrySend(FrameKind.Summands, _single + (nint)(chunk.First * _elementSize), bytes, chunk.First);
        if (!link.TryReserve(bytes, out var room)) return false;
        _fill(chunk.First, chunk.Count, room);
        link.Commit(FrameKind.Summands, bytes, chunk.First);
        return true;
    }

    private bool Receive(Link link, int peer, Side side)
    {
        var progress = false;
        for (; side.In < side.InEnd; side.In++)
        {
            if (!Carries(peer, _rank, side.In, out var chunk)) continue;
            if (side.Held != 0 || !link.TryReadHeader(out var header)) return progress;
            if (side.In % 2 == 0)
            {
                Expect(link, header, FrameKind.Summands, (long)_units[peer] * chunk.Count * _elementSize, chunk.First);
                if (!link.TryHold(out var payload)) return progress;
                side.Held = payload;
                return true;
            }
            Expect(link, header, FrameKind.Result, (long)chunk.Count * _elementSize, chunk.First);
            if (!link.TryReceive(_result(chunk.First))) return progress;
            progress = true;
        }
        return progress;
    }

    // Adds up the next chunk once the summands of all are there.
    private bool Make()
    {
        if (_made == Mine.Length) return false;
        for (var peer = 0; peer < Links.Length; peer++)
        {
            if (peer == _rank || _units[peer] == 0) continue;
            if (_sides[peer].Held == 0) return false;
            _summands[peer] = _sides[peer].Held;
        }
        var chunk = Mine[_made];
        _combine(chunk.First, chunk.Count, _summands);
        _made++;
        for (var peer = 0; peer < Links.Length; peer++)
        {
            if (_sides[peer].Held == 0) continue;
            Links[peer]!.Release();
            _sides[peer].Held = 0;
            _sides[peer].In++;
        }
        return true;
    }

    private bool Carries(int sender, int receiver, int step, out ReductionChunk chunk)
    {
        chunk = default;
        var position = step / 2;
        if (step % 2 == 0)
        {
            if (position >= _plan.Chunks[receiver].Length || _units[sender] == 0) return false;
            chunk = _plan.Chunks[receiver][position];
            return true;
        }
        position -= Lag;
        if (position < 0 || position >= _plan.Chunks[sender].Length) return false;
        chunk = _plan.Chunks[sender][position];
        return chunk.Wanters[receiver];
    }
}
