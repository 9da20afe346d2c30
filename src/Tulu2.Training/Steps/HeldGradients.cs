using Tulu2.Collectives;
using Tulu2.Collectives.Reduction;
using Tulu2.Models.Torch;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Training.Steps;

/// <summary>
/// The slot gradients that a rank holds for the current step, summed as far as the fixed tree over the step's slots allows, and the figures of each of
/// these slots. Buffers are reused: at most log2(slots) + 2 exist while slots come in order. Survives a change of generation.
/// </summary>
/// <param name="length">Elements of a gradient: the length of the rank's part.</param>
/// <param name="device">Device of the sums; null: the host.</param>
/// <param name="looks">Whether each gradient is looked at for elements that are not finite, which costs a pass over it.</param>
internal sealed class HeldGradients(int slots, long length, Device? device = null, bool looks = false) : IDisposable
{
    private readonly SortedList<int, (SlotRange Range, Tensor Sum)> _sums = [];
    private readonly SortedDictionary<int, double[]> _figures = [];
    private readonly SortedSet<int> _broken = [];
    private readonly Stack<Tensor> _free = new();
    private readonly List<Tensor> _copies = [];
    private (int Slot, Tensor Gradient)? _apart;

    /// <summary>The sums are on a device other than the host, out of reach of the data plane and the optimizer.</summary>
    public bool IsOnDevice => device is not null;

    /// <summary>The held slots as nodes of the tree; a node can only be kept or dropped as a whole.</summary>
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

    /// <summary>Figures of every held slot, by slot number.</summary>
    public IReadOnlyDictionary<int, double[]> Figures => _figures;

    /// <summary>The held slots whose gradients were looked at and are not finite here.</summary>
    public IReadOnlyCollection<int> Broken => _broken;

    public bool Holds(int slot) => _figures.ContainsKey(slot);

    /// <summary>[length] fp32 with undefined content; give it back with <see cref="Return"/>, <see cref="Add"/> or <see cref="AddApart"/>.</summary>
    public Tensor Rent() => _free.TryPop(out var buffer) ? buffer : zeros(length, dtype: float32, device: device).DetachFromDisposeScope();

    public void Return(Tensor buffer) => _free.Push(buffer);

    /// <summary>Takes ownership of the gradient of a slot and adds it to the tree.</summary>
    /// <exception cref="InvalidOperationException">The slot is held already.</exception>
    public void Add(int slot, Tensor gradient, double[] figures)
    {
        AddApart(slot, gradient, figures);
        Settle();
    }

    /// <summary>
    /// Takes ownership of the gradient of a slot, but adds it to the tree only in <see cref="Settle"/>: until then another thread may read the gradient and the
    /// sums.
    /// </summary>
    /// <exception cref="InvalidOperationException">The slot is held already, or another gradient is waiting to be settled.</exception>
    public void AddApart(int slot, Tensor gradient, double[] figures)
    {
        if (Holds(slot)) throw new InvalidOperationException($"slot {slot}: added twice");
        if (_apart is not null) throw new InvalidOperationException($"slot {slot}: slot {_apart.Value.Slot} is not settled yet");
        _figures.Add(slot, figures);
        if (looks && !IsFinite(gradient)) _broken.Add(slot);
        _apart = (slot, gradient);
    }

    /// <summary>Adds the gradient of the last <see cref="AddApart"/> to the tree, if there is one.</summary>
    public void Settle()
    {
        if (_apart is not var (slot, gradient)) return;
        _apart = null;
        // In-place operations return new handles, which would keep the memory alive until they are finalized.
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var range = new SlotRange(slot, 1);
        while (ReductionTree.Sibling(slots, range) is { } sibling && _sums.TryGetValue(sibling.First, out var other) && other.Range == sibling)
        {
            _sums.Remove(sibling.First);
            var (left, right) = sibling.First < range.First ? (other.Sum, gradient) : (gradient, other.Sum);
            left.add_(right, HeldScalars.One);
            Return(right);
            gradient = left;
            range = Parent(range, sibling);
        }
        _sums.Add(range.First, (range, gradient));
    }

    private static SlotRange Parent(SlotRange range, SlotRange sibling) => new(Math.Min(sibling.First, range.First), sibling.Count + range.Count);

    /// <summary>Drops all slots outside <paramref name="keep"/>.</summary>
    /// <exception cref="InvalidOperationException">A slot to keep is not held, or is held only in a sum with slots to drop.</exception>
    public void Keep(IReadOnlyList<SlotRange> keep)
    {
        Settle();
        foreach (var (range, sum) in _sums.Values.ToArray())
        {
            if (Enumerable.Range(range.First, range.Count).All(slot => keep.Any(kept => kept.First <= slot && slot < kept.End))) continue;
            _sums.Remove(range.First);
            Return(sum);
            for (var slot = range.First; slot < range.End; slot++)
            {
                _figures.Remove(slot);
                _broken.Remove(slot);
            }
        }
        foreach (var range in keep)
            for (var slot = range.First; slot < range.End; slot++)
                if (!Holds(slot)) throw new InvalidOperationException($"slot {slot}: to be kept, but not held, or only in a sum with dropped slots");
    }

    /// <summary>The settled sums for <see cref="ICollective.TreeSum"/>, copied to host memory where they are not there; valid until the next change.</summary>
    public IReadOnlyList<PartialSum> Partials() =>
        [.. _sums.Values.Select((held, index) => new PartialSum(held.Range, FlatMemory.Address(IsOnDevice ? Copy(held.Sum, index) : held.Sum), length))];

    private Tensor Copy(Tensor sum, int index)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        if (index == _copies.Count) _copies.Add(zeros(length, dtype: float32).DetachFromDisposeScope());
        _copies[index].copy_(sum);
        return _copies[index];
    }

    /// <summary>Replaces all sums with the complete sum, so that this rank holds all slots. Only for sums in host memory.</summary>
    /// <param name="sum">[length] fp32; this object takes ownership.</param>
    /// <param name="figures">[slots]</param>
    /// <param name="broken">Slots whose gradients are not finite on some rank.</param>
    public void Complete(Tensor sum, IReadOnlyList<double[]> figures, IEnumerable<int> broken)
    {
        Clear();
        _broken.UnionWith(broken);
        _sums.Add(0, (new SlotRange(0, slots), sum));
        for (var slot = 0; slot < slots; slot++) _figures.Add(slot, figures[slot]);
    }

    private bool IsFinite(Tensor gradient)
    {
        if (!IsOnDevice) return GradientNorm.IsFinite(FlatMemory.Address(gradient), length);
        using var scope = NewDisposeScope();
        return gradient.isfinite().all().item<bool>();
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
        _broken.Clear();
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
