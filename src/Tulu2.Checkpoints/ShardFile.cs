using System.Security.Cryptography;
using Tulu2.Checkpoints.Safetensors;

namespace Tulu2.Checkpoints;

/// <summary>A slice of state in memory: fp32, rows of Slice.Size[^1] elements, row r at Address + 4 * r * RowStride.</summary>
public readonly record struct StateBlock(StateKind Kind, TensorSlice Slice, nint Address, long RowStride)
{
    internal long Width => Slice.Size.Length == 0 ? 1 : Slice.Size[^1];
    internal long Rows => Slice.Length / Math.Max(Width, 1);
}

/// <summary>Shard files: safetensors whose name is the SHA-256 of their bytes.</summary>
internal static unsafe class ShardFile
{
    // Large enough to keep the disk busy, small enough for a span.
    private const long ChunkElements = 1 << 22;

    public static string Key(StateKind kind, TensorSlice slice) => $"{kind}/{slice.Name}/{string.Join(',', slice.Begin)}";

    /// <summary>Writes the blocks to <paramref name="stream"/>, hashing on the way.</summary>
    public static ShardEntry Write(Stream stream, IReadOnlyList<StateBlock> blocks)
    {
        foreach (var block in blocks) CheckDimensions(block.Slice);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var hashing = new MeteredStream(stream, hash);
        var shapes = blocks.ToDictionary(block => Key(block.Kind, block.Slice), block => string.Join(',', block.Slice.Shape));
        SafetensorsWriter.Write(
            hashing,
            [.. blocks.Select(block => new SafetensorsTensor(Key(block.Kind, block.Slice), "F32", block.Slice.Size, target => WriteRows(target, block)))],
            new Dictionary<string, string>(shapes) { ["format"] = "tulu2-shard" });
        return new ShardEntry(
            Convert.ToHexStringLower(hash.GetHashAndReset()), hashing.Count, [.. blocks.Select(block => new ShardTensor(block.Kind, block.Slice))]);
    }

    /// <exception cref="ArgumentException">Neither a vector nor a matrix, or not within its tensor.</exception>
    public static void CheckDimensions(TensorSlice slice)
    {
        var dimensions = slice.Shape.Length;
        if (dimensions is not (1 or 2) || slice.Begin.Length != dimensions || slice.Size.Length != dimensions)
            throw new ArgumentException($"{slice.Name}: state is kept as slices of one- and two-dimensional tensors", nameof(slice));
        for (var at = 0; at < dimensions; at++)
            if (slice.Begin[at] < 0 || slice.Size[at] < 1 || slice.Begin[at] + slice.Size[at] > slice.Shape[at])
                throw new ArgumentException(
                    $"{slice.Name}: [{string.Join(", ", slice.Size)}] at [{string.Join(", ", slice.Begin)}] is not within [{string.Join(", ", slice.Shape)}]",
                    nameof(slice));
    }

    public static bool Overlap(TensorSlice a, TensorSlice b) =>
        !Enumerable.Range(0, a.Size.Length).Any(at => a.Begin[at] + a.Size[at] <= b.Begin[at] || b.Begin[at] + b.Size[at] <= a.Begin[at]);

    /// <summary>Copies the part of a stored slice that lies in <paramref name="wanted"/>; one- and two-dimensional slices.</summary>
    /// <returns>Elements copied.</returns>
    public static long Copy(float* stored, TensorSlice from, StateBlock wanted)
    {
        var (rowBegin, rowEnd) = Overlap(from, wanted.Slice, 0, leading: true);
        var (columnBegin, columnEnd) = Overlap(from, wanted.Slice, from.Size.Length - 1, leading: false);
        if (rowBegin >= rowEnd || columnBegin >= columnEnd) return 0;
        long fromWidth = from.Size[^1], count = columnEnd - columnBegin;
        long fromRow = from.Size.Length == 1 ? 0 : from.Begin[0], toRow = from.Size.Length == 1 ? 0 : wanted.Slice.Begin[0];
        for (var row = rowBegin; row < rowEnd; row++)
        {
            var source = stored + (row - fromRow) * fromWidth + (columnBegin - from.Begin[^1]);
            var target = (float*)wanted.Address + (row - toRow) * wanted.RowStride + (columnBegin - wanted.Slice.Begin[^1]);
            Buffer.MemoryCopy(source, target, count * sizeof(float), count * sizeof(float));
        }
        return (rowEnd - rowBegin) * count;
    }

    private static (long Begin, long End) Overlap(TensorSlice a, TensorSlice b, int dimension, bool leading)
    {
        if (leading && a.Size.Length == 1) return (0, 1);
        return (Math.Max(a.Begin[dimension], b.Begin[dimension]), Math.Min(a.Begin[dimension] + a.Size[dimension], b.Begin[dimension] + b.Size[dimension]));
    }

    private static void WriteRows(Stream target, StateBlock block)
    {
        var contiguous = block.RowStride == block.Width;
        var (rows, width) = contiguous ? (1, block.Slice.Length) : (block.Rows, block.Width);
        for (var row = 0L; row < rows; row++)
            for (var at = 0L; at < width; at += ChunkElements)
                target.Write(new ReadOnlySpan<byte>(
                    (float*)block.Address + row * block.RowStride + at, (int)(Math.Min(ChunkElements, width - at) * sizeof(float))));
    }
}
