using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Generations;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Exchanges;

/// <summary>
/// One rank's part in a reduction. Each peer is sent the summands of the chunks it sums and, slightly later, the result chunks summed here, so that a result is
/// sent while it is still in the cache. The order of frames on each link follows from the plan alone: position i carries the summands of the receiver's i-th
/// chunk, then the sender's (i - <see cref="Lag"/>)-th result. A result at position i depends only on summands at earlier positions, so there is no cycle of
/// waiting ranks.
/// </summary>
internal sealed class ReductionExchange : Exchange
{
    private const int Lag = 2;

    /// <summary>Writes this rank's summands of a run of elements one after another.</summary>
    public delegate void Fill(long first, int count, nint room);

    /// <summary>Sums a run of elements into this rank's result.</summary>
    /// <param name="summands">By rank: address of its first summand of the run; 0 if it has none.</param>
    public delegate void Combine(long first, int count, ReadOnlySpan<nint> summands);

    /// <summary>Progress of one link. Steps are half positions: even ones carry summands, odd ones results.</summary>
    private sealed class Progress
    {
        public int Out, In, OutEnd, InEnd;
        public nint Held;
        public bool Flushed;
        public bool Blocked;
    }

    private readonly ReductionPlan _plan;
    private readonly int _rank;
    private readonly int[] _summandCounts;
    private readonly int _elementSize;
    private readonly nint _single;
    private readonly Fill _fill;
    private readonly Combine _combine;
    private readonly Func<long, nint> _result;
    private readonly Progress[] _progress;
    private readonly nint[] _summands;
    private int _summed;

    /// <param name="summandCounts">By rank: number of summands per element.</param>
    /// <param name="single">Address of this rank's only summand of element 0 if it can be sent from where it is; else 0.</param>
    /// <param name="result">Address of an element of the result.</param>
    public ReductionExchange(LinkedGeneration generation, Link?[] links, int rank, ReductionPlan plan, int[] summandCounts, int elementSize, nint single,
        Fill fill, Combine combine, Func<long, nint> result) : base(generation, links)
    {
        (_plan, _rank, _summandCounts, _elementSize) = (plan, rank, summandCounts, elementSize);
        (_single, _fill, _combine, _result) = (single, fill, combine, result);
        _summands = new nint[links.Length];
        _progress = [.. links.Select((link, peer) => new Progress
        {
            OutEnd = link is null ? 0 : End(peer, rank),
            InEnd = link is null ? 0 : End(rank, peer),
            Flushed = link is null,
        })];

        int End(int receiver, int sender) => 2 * Math.Max(plan.Chunks[receiver].Length, plan.Chunks[sender].Length + Lag);
    }

    private ReductionChunk[] Own => _plan.Chunks[_rank];

    protected override bool IsDone => _summed == Own.Length && Array.TrueForAll(_progress, link => link.Flushed && link.In >= link.InEnd);

    protected override bool WantsInput(int index) => _progress[index].In < _progress[index].InEnd && _progress[index].Held == 0;

    // A link whose next result is not summed yet has nothing to write, even if there is room.
    protected override bool WantsOutput(int index) => !_progress[index].Flushed && (_progress[index].Blocked || CanSend(_progress[index].Out));

    protected override bool Advance()
    {
        var advanced = false;
        for (var peer = 0; peer < Links.Length; peer++)
        {
            if (Links[peer] is not { } link) continue;
            advanced |= Send(link, peer, _progress[peer]) | Receive(link, peer, _progress[peer]);
        }
        return advanced | SumNext();
    }

    private bool CanSend(int step) => step % 2 == 0 || step / 2 - Lag < _summed;

    private bool Send(Link link, int peer, Progress progress)
    {
        if (progress.Flushed) return false;
        var advanced = false;
        for (; progress.Out < progress.OutEnd; progress.Out++)
        {
            if (!Carries(_rank, peer, progress.Out, out var chunk)) continue;
            if (!CanSend(progress.Out))
            {
                progress.Blocked = !link.TryFlush();
                return advanced;
            }
            var isSent = progress.Out % 2 == 0
                ? SendSummands(link, chunk)
                : link.TrySend(FrameKind.Result, _result(chunk.First), chunk.Count * _elementSize, chunk.First);
            if (!isSent) return advanced;
            advanced = true;
        }
        progress.Flushed = link.TryFlush();
        progress.Blocked = !progress.Flushed;
        return advanced | progress.Flushed;
    }

    private bool SendSummands(Link link, ReductionChunk chunk)
    {
        var bytes = _summandCounts[_rank] * chunk.Count * _elementSize;
        if (_single != 0) return link.TrySend(FrameKind.Summands, _single + (nint)(chunk.First * _elementSize), bytes, chunk.First);
        if (!link.TryReserve(bytes, out var room)) return false;
        _fill(chunk.First, chunk.Count, room);
        link.Commit(FrameKind.Summands, bytes, chunk.First);
        return true;
    }

    private bool Receive(Link link, int peer, Progress progress)
    {
        var advanced = false;
        for (; progress.In < progress.InEnd; progress.In++)
        {
            if (!Carries(peer, _rank, progress.In, out var chunk)) continue;
            if (progress.Held != 0 || !link.TryReadHeader(out var header)) return advanced;
            if (progress.In % 2 == 0)
            {
                Expect(link, header, FrameKind.Summands, (long)_summandCounts[peer] * chunk.Count * _elementSize, chunk.First);
                if (!link.TryHold(out var payload)) return advanced;
                progress.Held = payload;
                return true;
            }
            Expect(link, header, FrameKind.Result, (long)chunk.Count * _elementSize, chunk.First);
            if (!link.TryReceive(_result(chunk.First))) return advanced;
            advanced = true;
        }
        return advanced;
    }

    // Sums the next chunk once the summands of all peers have arrived.
    private bool SumNext()
    {
        if (_summed == Own.Length) return false;
        for (var peer = 0; peer < Links.Length; peer++)
        {
            if (peer == _rank || _summandCounts[peer] == 0) continue;
            if (_progress[peer].Held == 0) return false;
            _summands[peer] = _progress[peer].Held;
        }
        var chunk = Own[_summed];
        _combine(chunk.First, chunk.Count, _summands);
        _summed++;
        for (var peer = 0; peer < Links.Length; peer++)
        {
            if (_progress[peer].Held == 0) continue;
            Links[peer]!.Release();
            _progress[peer].Held = 0;
            _progress[peer].In++;
        }
        return true;
    }

    private bool Carries(int sender, int receiver, int step, out ReductionChunk chunk)
    {
        chunk = default;
        var position = step / 2;
        if (step % 2 == 0)
        {
            if (position >= _plan.Chunks[receiver].Length || _summandCounts[sender] == 0) return false;
            chunk = _plan.Chunks[receiver][position];
            return true;
        }
        position -= Lag;
        if (position < 0 || position >= _plan.Chunks[sender].Length) return false;
        chunk = _plan.Chunks[sender][position];
        return chunk.Receivers[receiver];
    }
}
