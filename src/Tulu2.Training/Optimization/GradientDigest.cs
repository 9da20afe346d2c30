using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Tulu2.Training.Optimization;

/// <summary>
/// Norm and hash of a gradient that is distributed over ranks: each rank measures its blocks, and every rank combines all measurements to the same norm and
/// hash. Equal hashes prove that ranks hold the same gradient.
/// </summary>
internal static class GradientDigest
{
    private const int HashBytes = 16;
    private const int RecordBytes = sizeof(int) + sizeof(double) + HashBytes;

    /// <summary>Number, sum of squares and hash of each block, encoded for the other ranks.</summary>
    /// <param name="gradient">Address of element <paramref name="first"/> of the flat buffer that contains the blocks.</param>
    public static byte[] Measure(IReadOnlyList<GradientBlock> blocks, nint gradient, long first)
    {
        var bytes = new byte[blocks.Count * RecordBytes];
        var hash = new XxHash128();
        for (var index = 0; index < blocks.Count; index++)
        {
            var block = blocks[index];
            var sum = 0.0;
            for (long row = 0; row < block.Rows; row++)
            {
                var values = FlatMemory.Floats(gradient, block.Offset - first + row * block.Stride, (int)block.Columns);
                sum += GradientNorm.SquareSum(values);
                hash.Append(MemoryMarshal.AsBytes(values));
            }
            var record = bytes.AsSpan(index * RecordBytes, RecordBytes);
            BinaryPrimitives.WriteInt32LittleEndian(record, block.Number);
            BinaryPrimitives.WriteDoubleLittleEndian(record[sizeof(int)..], sum);
            hash.GetHashAndReset(record[(sizeof(int) + sizeof(double))..]);
        }
        return bytes;
    }

    /// <summary>Hash of what one rank has measured.</summary>
    /// <param name="measured">Result of <see cref="Measure"/>.</param>
    public static string Hash(byte[] measured)
    {
        var hashes = new byte[measured.Length / RecordBytes * HashBytes];
        for (var block = 0; block < measured.Length / RecordBytes; block++)
            CopyHash(measured.AsSpan(block * RecordBytes, RecordBytes), hashes.AsSpan(block * HashBytes, HashBytes));
        return Convert.ToHexStringLower(XxHash128.Hash(hashes));
    }

    // Which NaN a sum gives depends on the order of its operands.
    private static void CopyHash(ReadOnlySpan<byte> record, Span<byte> hash)
    {
        if (double.IsFinite(BinaryPrimitives.ReadDoubleLittleEndian(record[sizeof(int)..]))) record[(sizeof(int) + sizeof(double))..].CopyTo(hash);
        else hash.Fill(byte.MaxValue);
    }

    /// <summary>
    /// L2 norm of the whole gradient (summed over blocks in order within a virtual shard, by a binary tree over the shards, over matrices in flat order) and
    /// its hash (of the blocks' hashes in order). Of a block that is not finite only that is hashed.
    /// </summary>
    /// <param name="ranks">Results of <see cref="Measure"/> of all ranks of a group that together holds the model once.</param>
    /// <exception cref="InvalidOperationException">A block was measured twice or not at all.</exception>
    public static (double Norm, string Hash) Combine(GradientBlocks blocks, IEnumerable<byte[]> ranks)
    {
        var sums = new double[blocks.Count];
        var hashes = new byte[blocks.Count * HashBytes];
        var seen = new bool[blocks.Count];
        foreach (var bytes in ranks)
            for (var at = 0; at < bytes.Length; at += RecordBytes)
            {
                var record = bytes.AsSpan(at, RecordBytes);
                var number = BinaryPrimitives.ReadInt32LittleEndian(record);
                if (seen[number]) throw new InvalidOperationException($"block {number} of the gradient: measured by two ranks");
                seen[number] = true;
                sums[number] = BinaryPrimitives.ReadDoubleLittleEndian(record[sizeof(int)..]);
                CopyHash(record, hashes.AsSpan(number * HashBytes, HashBytes));
            }
        var missing = Array.IndexOf(seen, false);
        if (missing >= 0) throw new InvalidOperationException($"block {missing} of the gradient: measured by no rank");

        var total = 0.0;
        foreach (var (first, shards, perShard) in blocks.Matrices)
        {
            var byShard = new double[shards];
            for (var shard = 0; shard < shards; shard++)
                for (var block = 0; block < perShard; block++) byShard[shard] += sums[first + shard * perShard + block];
            total += GradientNorm.TreeSum(byShard);
        }
        return (Math.Sqrt(total), Convert.ToHexStringLower(XxHash128.Hash(hashes)));
    }
}
