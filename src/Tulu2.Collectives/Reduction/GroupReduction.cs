using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Tulu2.Collectives.Reduction;

/// <summary>Element-wise reduction of one buffer per rank; sums follow the fixed tree over the ranks.</summary>
internal static unsafe class GroupReduction
{
    private const int BlockElements = 16 * 1024;

    /// <summary>Bytes of an element.</summary>
    public static int SizeOf(ElementType type) => type == ElementType.Float32 ? sizeof(float) : sizeof(ushort);

    /// <summary>
    /// Reduces elements [<paramref name="first"/>, + <paramref name="count"/>) of all buffers, and writes the result over those of
    /// buffer <paramref name="target"/>.
    /// </summary>
    public static void Into(nint[] buffers, int target, long first, long count, ElementType type, ReduceOperation operation)
    {
        var scratch = ArrayPool<float>.Shared.Rent((buffers.Length + 1) * BlockElements);
        try
        {
            for (long at = first; at < first + count; at += BlockElements)
            {
                var block = (int)Math.Min(BlockElements, first + count - at);
                Reduce(buffers, at, block, type, operation, new SlotRange(0, buffers.Length), scratch);
                Store(buffers[target], at, scratch.AsSpan(0, block), type);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(scratch);
        }
    }

    // Leaves the reduction over a node of the tree in the first block of the scratch memory; the blocks after it are overwritten.
    private static void Reduce(nint[] buffers, long at, int count, ElementType type, ReduceOperation operation, SlotRange node, Span<float> scratch)
    {
        if (node.Count == 1)
        {
            Load(buffers[node.First], at, scratch[..count], type);
            return;
        }
        var (left, right) = ReductionTree.Split(node);
        Reduce(buffers, at, count, type, operation, left, scratch);
        Reduce(buffers, at, count, type, operation, right, scratch[BlockElements..]);
        Span<float> one = scratch[..count], other = scratch.Slice(BlockElements, count);
        if (operation == ReduceOperation.Max) TensorPrimitives.Max(one, other, one);
        else TensorPrimitives.Add(one, other, one);
        if (type == ElementType.BFloat16 && operation == ReduceOperation.Sum)
            for (var index = 0; index < count; index++) one[index] = BitConverter.UInt32BitsToSingle((uint)Round(one[index]) << 16);
    }

    private static void Load(nint buffer, long at, Span<float> target, ElementType type)
    {
        if (type == ElementType.Float32)
        {
            new ReadOnlySpan<float>((float*)buffer + at, target.Length).CopyTo(target);
            return;
        }
        var source = new ReadOnlySpan<ushort>((ushort*)buffer + at, target.Length);
        var bits = MemoryMarshal.Cast<float, uint>(target);
        for (var index = 0; index < source.Length; index++) bits[index] = (uint)source[index] << 16;
    }

    private static void Store(nint buffer, long at, ReadOnlySpan<float> values, ElementType type)
    {
        if (type == ElementType.Float32)
        {
            values.CopyTo(new Span<float>((float*)buffer + at, values.Length));
            return;
        }
        var target = new Span<ushort>((ushort*)buffer + at, values.Length);
        for (var index = 0; index < values.Length; index++) target[index] = Round(values[index]);
    }

    /// <summary>fp32 to bf16 bits, rounded to nearest, ties to even; NaN stays NaN.</summary>
    internal static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value)) return (ushort)((bits >> 16) | 0x0040);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
