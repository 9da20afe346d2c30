using System.Runtime.InteropServices;
using Tulu2.Checkpoints;

namespace Tulu2.Tests.Checkpoints;

/// <summary>Whole tensors of state in native memory, and blocks that name parts of them.</summary>
internal sealed unsafe class StateInMemory : IDisposable
{
    private readonly Dictionary<(StateKind, string), (nint Address, long[] Shape)> _tensors = [];

    public static (string Name, long[] Shape)[] Tensors => [("matrix", [7, 10]), ("vector", [9]), ("other", [4, 3])];

    /// <summary>Every tensor of every kind, filled by seed, or with NaN where there is none.</summary>
    public StateInMemory(int? seed)
    {
        var random = seed is { } value ? new Random(value) : null;
        foreach (var kind in Enum.GetValues<StateKind>())
            foreach (var (name, shape) in Tensors)
            {
                var length = shape.Aggregate((product, size) => product * size);
                var address = (float*)NativeMemory.Alloc((nuint)length, sizeof(float));
                for (var at = 0L; at < length; at++) address[at] = random is null ? float.NaN : random.NextSingle();
                _tensors[(kind, name)] = ((nint)address, shape);
            }
    }

    public StateBlock Block(StateKind kind, string name, long[] begin, long[] size)
    {
        var (address, shape) = _tensors[(kind, name)];
        var columns = shape[^1];
        var first = (begin.Length == 1 ? 0 : begin[0] * columns) + begin[^1];
        return new StateBlock(kind, new TensorSlice(name, shape, begin, size), address + sizeof(float) * (nint)first, columns);
    }

    /// <summary>Every tensor cut into a grid whose lines are drawn at random, in random order.</summary>
    public List<StateBlock> Cut(Random random)
    {
        var blocks = new List<StateBlock>();
        foreach (var ((kind, name), (_, shape)) in _tensors)
            foreach (var (rowBegin, rowSize) in shape.Length == 1 ? [(0L, 1L)] : Intervals(shape[0], random))
                foreach (var (columnBegin, columnSize) in Intervals(shape[^1], random))
                    blocks.Add(Block(kind, name, shape.Length == 1 ? [columnBegin] : [rowBegin, columnBegin], shape.Length == 1 ? [columnSize] : [rowSize, columnSize]));
        return [.. blocks.OrderBy(_ => random.Next())];
    }

    public List<StateBlock> Whole() => [.. _tensors.Select(item => Block(item.Key.Item1, item.Key.Item2, new long[item.Value.Shape.Length], item.Value.Shape))];

    public byte[] Bytes() =>
    [
        .. _tensors.Values.SelectMany(tensor =>
            new ReadOnlySpan<byte>((void*)tensor.Address, (int)tensor.Shape.Aggregate((product, size) => product * size) * sizeof(float)).ToArray()),
    ];

    public void Dispose()
    {
        foreach (var (address, _) in _tensors.Values) NativeMemory.Free((void*)address);
    }

    private static List<(long Begin, long Size)> Intervals(long length, Random random)
    {
        var cuts = Enumerable.Range(0, random.Next(4)).Select(_ => random.NextInt64(length + 1)).Append(0).Append(length).Distinct().Order().ToArray();
        return [.. cuts.Zip(cuts.Skip(1), (begin, end) => (begin, end - begin))];
    }
}
