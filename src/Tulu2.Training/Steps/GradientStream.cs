using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.Steps;

/// <summary>
/// One step's gradient sum over the replicas, piece by piece from the end of the flat order to its start, each as soon as it is final on this rank. Accesses
/// memory by address only, so that it can run on any thread; the caller must not free or write the partial sums before <see cref="Run"/> has returned.
/// </summary>
/// <param name="partials">Partial sums of the whole part; elements that are not final yet are not read.</param>
/// <param name="pieces">As <see cref="GradientPieces"/> cuts the part.</param>
/// <param name="wanted">Range of the sum that this rank keeps.</param>
/// <param name="total">Address of <c>wanted.Count</c> floats that receive it.</param>
/// <param name="blocks">Blocks of <paramref name="wanted"/>, for norm and hash.</param>
/// <param name="atPiece">Called before each piece, with its index.</param>
internal sealed class GradientStream(
    ICollective data, int slots, IReadOnlyList<PartialSum> partials, IReadOnlyList<ElementRange> pieces, ElementRange wanted, nint total,
    IReadOnlyList<GradientBlock> blocks, TimeSpan deadline, Action<int>? atPiece)
{
    private readonly object _gate = new();
    private readonly List<byte[]> _measured = [];
    private long _final = long.MaxValue;
    private bool _cancelled;
    private TimeSpan _busy;
    private long _since;

    /// <summary>The result of <see cref="GradientDigest.Measure"/> over all blocks, after <see cref="Run"/>.</summary>
    public byte[] Measured => [.. _measured.SelectMany(bytes => bytes)];

    /// <summary>Time spent in reductions so far, waiting for other ranks included.</summary>
    public TimeSpan Busy
    {
        get { lock (_gate) return _since == 0 ? _busy : _busy + Stopwatch.GetElapsedTime(_since); }
    }

    /// <summary>Marks all elements from <paramref name="from"/> on as final.</summary>
    public void Ready(long from)
    {
        lock (_gate)
        {
            _final = Math.Min(_final, from);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Ends <see cref="Run"/> if it is waiting for this rank's gradient; a collective call in progress ends only with its generation.</summary>
    public void Cancel()
    {
        lock (_gate)
        {
            _cancelled = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Reduces all pieces. Every rank with the same parameters calls this.</summary>
    public void Run()
    {
        for (var index = 0; index < pieces.Count; index++)
        {
            if (!IsFinal(pieces[index].First)) return;
            try
            {
                atPiece?.Invoke(index);
                Sum(pieces[index]);
            }
            finally
            {
                lock (_gate) (_busy, _since) = (_busy + Stopwatch.GetElapsedTime(_since), 0);
            }
        }
    }

    private bool IsFinal(long first)
    {
        lock (_gate)
        {
            while (_final > first && !_cancelled) Monitor.Wait(_gate);
            _since = Stopwatch.GetTimestamp();
            return !_cancelled;
        }
    }

    private void Sum(ElementRange piece)
    {
        long first = Math.Max(piece.First, wanted.First), end = Math.Min(piece.End, wanted.End);
        var mine = first < end ? new ElementRange(first - piece.First, end - first) : new ElementRange(0, 0);
        PartialSum[] own = [.. partials.Select(partial => partial with { Address = partial.Address + (nint)(piece.First * sizeof(float)), Length = piece.Count })];
        data.TreeSum(slots, own, mine, first < end ? total + (nint)((first - wanted.First) * sizeof(float)) : total, piece.Count, deadline);
        // No block crosses a boundary between pieces.
        GradientBlock[] measured = [.. blocks.Where(block => block.Offset >= first && block.Offset < end)];
        if (measured.Length > 0) _measured.Add(GradientDigest.Measure(measured, total, wanted.First));
    }
}
