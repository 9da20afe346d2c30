using Tulu2.Collectives;
using Tulu2.Collectives.Reduction;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Training.Steps;

/// <summary>
/// The slot gradients a rank holds for the step it is making, added up as far as the fixed tree over the step's slots allows, and the figures of each of
/// these slots. Buffers are reused: at most log2(slots) + 2 exist while slots come in order. Survives a change of generation.
/// </summary>
/// <param name="device">Where the sums lie and are made; null: host memory.</param>
internal sealed class HeldGradients(int slots, long length, Device? device = null) : IDisposable
{
    private readonly SortedList<int, (SlotRange Range, Tensor Sum)> _sums = [];
    private readonly SortedDictionary<int, double[]> _figures = [];
    private readonly Stack<Tensor> _free = new();
    private readonly List<Tensor> _copies = [];
    private (int Slot, Tensor Gradient)? _apart;

    /// <summary>The sums lie where the data plane and the optimizer do not reach them.</summary>
    public bool IsStaged => device is not null;

    /// <summary>The slots held, by nodes of the tree: each can be kept or dropped as a whole.</summary>
    public IReadOnlyList<SlotRange> Ranges
    {
        get
        {
            if (_apart is not { Slot: var slot }) return [.. _sums.Values.Select(held => held.Range)];
            var ranges = _sums.Values.Select(held => held.Range).ToHashSet();
            var range = new SlotRange(slot, 1);
            while (ReductionTree.Sibling(slots, range) is { } sibling && ranges.Remove(sibling)) range = Parent(range, sibling);
            return [.. ranges.Append(range).OrderBy(each => each.First)];
        }
    }

    /// <summary>Figures of every held slot, by slot.</summary>
    public IReadOnlyDictionary<int, double[]> Figures => _figures;

    public bool Holds(int slot) => _figures.ContainsKey(slot);

    /// <summary>An fp32 buffer of undefined content; give it back by <see cref="Return"/> or <see cref="Add"/>.</summary>
    public Tensor Rent() => _free.TryPop(out var buffer) ? buffer : zeros(length, dtype: float32, device: device).DetachFromDisposeScope();

    public void Return(Tensor buffer) => _free.Push(buffer);

    /// <summary>Takes over <paramref name="gradient"/> as the gradient of a slot and adds it into the tree.</summary>
    public void Add(int slot, Tensor gradient, double[] figures)
    {
        AddApart(slot, gradient, figures);
        Settle();
    }

    /// <summary>The same, but writes no sum before <see cref="Settle"/>: they, and the gradient, are being read.</summary>
    public void AddApart(int slot, Tensor gradient, double[] figures)
    {
        if (Holds(slot)) throw new InvalidOperationException($"slot {slot}: added twice");
        if (_apart is not null) throw new InvalidOperationException($"slot {slot}: slot {_apart.Value.Slot} stands apart already");
        _figures.Add(slot, figures);
        _apart = (slot, gradient);
    }

    /// <summary>Adds what stands apart into the tree, if anything does.</summary>
    public void Settle()
    {
        if (_apart is not var (slot, gradient)) return;
        _apart = null;
        // In-place operations return handles of their own, which would keep the memory until they are finalized.
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var range = new SlotRange(slot, 1);
        while (ReductionTree.Sibling(slots, range) is { } sibling && _sums.TryGetValue(sibling.First, out var other) && other.Range == sibling)
        {
            _sums.Remove(sibling.First);
            var (left, right) = sibling.First < range.First ? (other.Sum, gradient) : (gradient, other.Sum);
            left.add_(right);
            Return(right);
            gradient = left;
            range = Parent(range, sibling);
        }
        _sums.Add(range.First, (range, gradient));
    }

    private static SlotRange Parent(SlotRange range, SlotRange sibling) => new(Math.Min(sibling.First, range.First), sibling.Count + range.Count);

    /// <summary>Drops what lies outside <paramref name="keep"/>.</summary>
    /// <exception cref="InvalidOperationException">A slot to keep is not held, or only as part of a sum with slots to drop.</exception>
    public void Keep(IReadOnlyList<SlotRange> keep)
    {
        Settle();
        foreach (var (range, sum) in _sums.Values.ToArray())
        {
            if (Enumerable.Range(range.First, range.Count).All(slot => keep.Any(kept => kept.First <= slot && slot < kept.End))) continue;
            _sums.Remove(range.First);
            Return(sum);
            for (var slot = range.First; slot < range.End; slot++) _figures.Remove(slot);
        }
        foreach (var range in keep)
            for (var slot = range.First; slot < range.End; slot++)
                if (!Holds(slot)) throw new InvalidOperationException($"slot {slot}: to be kept, but not held by itself");
    }

    /// <summary>The settled sums for <see cref="ICollective.TreeSum"/>, or copies of them in host memory; valid until something changes here.</summary>
    public IReadOnlyList<PartialSum> Partials() =>
        [.. _sums.Values.Select((held, index) => new PartialSum(held.Range, FlatMemory.Address(IsStaged ? Copy(held.Sum, index) : held.Sum), length))];

    private Tensor Copy(Tensor sum, int index)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        if (index == _copies.Count) _copies.Add(zeros(length, dtype: float32).DetachFromDisposeScope());
        _copies[index].copy_(sum);
        return _copies[index];
    }

    /// <summary>Replaces everything held by the complete sum: from now on this rank holds all slots. Not where the sums are staged.</summary>
    public void Complete(Tensor sum, IReadOnlyList<double[]> figures)
    {
        Clear();
        _sums.Add(0, (new SlotRange(0, slots), sum));
        for (var slot = 0; slot < slots; slot++) _figures.Add(slot, figures[slot]);
    }

    /// <summary>The complete gradient, after <see cref="Complete"/>.</summary>
    public Tensor Total => _sums[0].Sum;

    public void Clear()
    {
        if (_apart is { Gradient: var gradient }) Return(gradient);
        _apart = null;
        foreach (var (_, sum) in _sums.Values) Return(sum);
        _sums.Clear();
        _figures.Clear();
    }

    /// <summary>Frees the buffers that are not in use.</summary>
    public void Trim()
    {
        while (_free.TryPop(out var buffer)) buffer.Dispose();
        foreach (var copy in _copies) copy.Dispose();
        _copies.Clear();
    }

    public void Dispose()
    {
        Clear();
        Trim();
    }
}
