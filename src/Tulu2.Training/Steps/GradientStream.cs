using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.Steps;

/// <summary>
/// One step's sum over the replicas, piece by piece from the top of the flat order down, each as soon as it is final here. Touches memory by address alone, so that
/// it may run on any thread; what it reads is neither freed nor written before <see cref="Run"/> has ended.
/// </summary>
/// <param name="partials">Of the whole part; what is not final yet is not read yet.</param>
/// <param name="wanted">What of the sum this rank keeps, at <paramref name="total"/>.</param>
/// <param name="blocks">By which <paramref name="wanted"/> is measured.</param>
/// <param name="atPiece">Called before each, with its number.</param>
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

    /// <summary>What <see cref="GradientDigest.Measure"/> says of everything wanted, after <see cref="Run"/>.</summary>
    public byte[] Measured => [.. _measured.SelectMany(bytes => bytes)];

    /// <summary>How long sums were under way until now, waiting for the others' pieces included.</summary>
    public TimeSpan Busy
    {
        get { lock (_gate) return _since == 0 ? _busy : _busy + Stopwatch.GetElapsedTime(_since); }
    }

    /// <summary>Says that everything from an element on is final.</summary>
    public void Ready(long from)
    {
        lock (_gate)
        {
            _final = Math.Min(_final, from);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Ends <see cref="Run"/> where it waits for this rank; a call under way ends with its generation.</summary>
    public void Cancel()
    {
        lock (_gate)
        {
            _cancelled = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Every rank with the same parameters calls this.</summary>
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
        // Blocks are not cut by pieces.
        GradientBlock[] measured = [.. blocks.Where(block => block.Offset >= first && block.Offset < end)];
        if (measured.Length > 0) _measured.Add(GradientDigest.Measure(measured, total, wanted.First));
    }
}
