using TorchSharp;
using static TorchSharp.torch;

namespace Tulu2.Models.Torch;

/// <summary>
/// A stack of tensors over memory that stays allocated: renting costs no page fault, and releasing to a mark frees everything rented since. What a
/// pass needs grows and shrinks like a stack, so one step's memory is reused exactly by the next. The views are owned by the caller's dispose scope.
/// </summary>
internal sealed class Arena(ScalarType type, Device device) : IDisposable
{
    // 256 bytes in bf16: rows start on cache lines, and libtorch's kernels see aligned addresses.
    private const long Alignment = 128;
    // At least 4 MiB, so that the allocator maps each chunk by itself and returns it whole when it is freed (TorchRuntime sets the threshold).
    private const long SmallestChunk = 1 << 21;
    private readonly List<Tensor> _chunks = [];
    private readonly List<long> _used = [];     // of each chunk before the one in use
    private int _chunk;
    private long _next, _deepest;

    public (int Chunk, long Next) Mark => (_chunk, _next);

    public long AllocatedBytes => _chunks.Sum(chunk => chunk.numel() * chunk.element_size());

    public void Release((int Chunk, long Next) mark) => (_chunk, _next) = mark;

    /// <summary>A contiguous tensor with undefined content.</summary>
    public Tensor Rent(params ReadOnlySpan<long> shape)
    {
        var length = 1L;
        foreach (var size in shape) length *= size;
        var need = (length + Alignment - 1) / Alignment * Alignment;
        while (_chunk < _chunks.Count && _next + need > _chunks[_chunk].numel())
        {
            _used[_chunk++] = _next;
            _next = 0;
        }
        if (_chunk == _chunks.Count)
        {
            var total = _chunks.Sum(chunk => chunk.numel());
            var chunk = torch.empty([Math.Max(need, Math.Max(SmallestChunk, total / 16))], dtype: type, device: device);
            chunk.DetachFromDisposeScope();
            _chunks.Add(chunk);
            _used.Add(0);
        }
        var strides = new long[shape.Length];
        var stride = 1L;
        for (var d = shape.Length - 1; d >= 0; d--)
        {
            strides[d] = stride;
            stride *= shape[d];
        }
        var rented = _chunks[_chunk].as_strided(shape.ToArray(), strides, _next);
        _next += need;
        var depth = _next;
        for (var before = 0; before < _chunk; before++) depth += _used[before];
        _deepest = Math.Max(_deepest, depth);
        return rented;
    }

    /// <summary>
    /// Empties the stack; several chunks become one that is just large enough, so that the next pass of that size finds its memory in one piece.
    /// </summary>
    public void Reset()
    {
        Release((0, 0));
        var deepest = _deepest;
        _deepest = 0;
        if (_chunks.Count <= 1) return;
        Dispose();
        var whole = torch.empty([deepest], dtype: type, device: device);
        whole.DetachFromDisposeScope();
        _chunks.Add(whole);
        _used.Add(0);
    }

    public void Dispose()
    {
        foreach (var chunk in _chunks) chunk.Dispose();
        _chunks.Clear();
        _used.Clear();
    }
}

/// <summary>The memory of one pass: tensors in the compute type, and statistics, which are always fp32.</summary>
internal sealed class Workspace(ScalarType type, Device device) : IDisposable
{
    private readonly Arena _compute = new(type, device);
    private readonly Arena _single = new(ScalarType.Float32, device);

    public ScalarType Type => type;
    public Device Device => device;
    public long AllocatedBytes => _compute.AllocatedBytes + _single.AllocatedBytes;

    public Tensor Rent(params ReadOnlySpan<long> shape) => _compute.Rent(shape);

    public Tensor RentSingle(params ReadOnlySpan<long> shape) => _single.Rent(shape);

    public WorkspaceMark Mark() => new(_compute.Mark, _single.Mark);

    public void Release(WorkspaceMark mark)
    {
        _compute.Release(mark.Compute);
        _single.Release(mark.Single);
    }

    public void Reset()
    {
        _compute.Reset();
        _single.Reset();
    }

    public void Dispose()
    {
        _compute.Dispose();
        _single.Dispose();
    }
}

internal readonly record struct WorkspaceMark((int Chunk, long Next) Compute, (int Chunk, long Next) Single);
