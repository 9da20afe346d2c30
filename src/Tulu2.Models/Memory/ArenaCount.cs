namespace Tulu2.Models.Memory;

/// <summary>
/// An <see cref="Torch.Arena"/> that only counts: what it would hold after the same calls. Elements, not bytes. A test compares the two.
/// </summary>
internal sealed class ArenaCount
{
    private const long Alignment = 128;
    private const long SmallestChunk = 1 << 21;
    private readonly List<long> _chunks = [], _used = [];
    private int _chunk;
    private long _next;

    public (int Chunk, long Next) Mark => (_chunk, _next);

    /// <summary>Elements allocated.</summary>
    public long Capacity => _chunks.Sum();

    /// <summary>The most that was rented at once since the last <see cref="Reset"/>.</summary>
    public long Peak { get; private set; }

    public void Release((int Chunk, long Next) mark) => (_chunk, _next) = mark;

    public void Rent(long elements)
    {
        var need = (elements + Alignment - 1) / Alignment * Alignment;
        while (_chunk < _chunks.Count && _next + need > _chunks[_chunk])
        {
            _used[_chunk++] = _next;
            _next = 0;
        }
        if (_chunk == _chunks.Count)
        {
            _chunks.Add(Math.Max(need, Math.Max(SmallestChunk, _chunks.Sum() / 16)));
            _used.Add(0);
        }
        _next += need;
        var depth = _next;
        for (var before = 0; before < _chunk; before++) depth += _used[before];
        Peak = Math.Max(Peak, depth);
    }

    public void Reset()
    {
        Release((0, 0));
        var peak = Peak;
        Peak = 0;
        if (_chunks.Count <= 1) return;
        _chunks.Clear();
        _used.Clear();
        _chunks.Add(peak);
        _used.Add(0);
    }
}

/// <summary>The two arenas of a <see cref="Torch.Workspace"/>: the compute type's and that of the fp32 statistics.</summary>
internal sealed class WorkspaceCount(int elementBytes)
{
    private readonly ArenaCount _compute = new(), _single = new();

    public int ElementBytes => elementBytes;
    public long PeakBytes => _compute.Peak * elementBytes + _single.Peak * sizeof(float);
    public long CapacityBytes => _compute.Capacity * elementBytes + _single.Capacity * sizeof(float);

    public void Rent(long elements) => _compute.Rent(elements);

    public void RentSingle(long elements) => _single.Rent(elements);

    public ((int, long) Compute, (int, long) Single) Mark() => (_compute.Mark, _single.Mark);

    public void Release(((int, long) Compute, (int, long) Single) mark)
    {
        _compute.Release(mark.Compute);
        _single.Release(mark.Single);
    }

    public void Reset()
    {
        _compute.Reset();
        _single.Reset();
    }
}
