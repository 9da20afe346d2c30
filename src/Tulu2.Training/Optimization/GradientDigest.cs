using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Tulu2.Training.Optimization;

/// <summary>
/// Norm and hash of a gradient that lies in parts on several ranks: each measures its blocks, and all of them make the same two figures of everybody's
/// measurements. Equal hashes prove that ranks hold the same gradient.
/// </summary>
internal static class GradientDigest
{
    private const int HashBytes = 16;
    private const int RecordBytes = sizeof(int) + sizeof(double) + HashBytes;

    /// <summary>What a rank tells the others: of each block its number, sum of squares and hash.</summary>
    /// <param name="gradient">Address of what lies at <paramref name="first"/> in the flat buffer that the blocks are in.</param>
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

    /// <summary>
    /// The whole gradient's L2 norm (blocks in order within a virtual shard, a binary tree over the shards, matrices in flat order) and its hash (over the
    /// blocks' hashes in order).
    /// </summary>
    /// <param name="ranks">What every rank of a group that together holds the model once has measured.</param>
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
                record[(sizeof(int) + sizeof(double))..].CopyTo(hashes.AsSpan(number * HashBytes));
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
