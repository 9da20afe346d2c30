using System.Security.Cryptography;
using Tulu2.Models.Parameters;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.State;

/// <summary>
/// The hash that identifies a run's result: SHA-256 over the fp32 master parameters, tensors in ordinal order of their Hugging Face names, each in row-major
/// order. It is independent of virtual shards, ranks and padding.
/// </summary>
internal static class ParameterHash
{
    /// <param name="master">Address of <c>map.Length</c> floats.</param>
    public static unsafe string Of(ParameterMap map, nint master)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var slices = map.Slices.OrderBy(slice => slice.Slice.Name, StringComparer.Ordinal).ThenBy(slice => slice.Slice.Begin[0]);
        foreach (var (slice, offset, rowStride) in slices)
        {
            var width = slice.Size[^1];
            if (slice.Shape.Length > 1 && width != slice.Shape[^1]) throw new NotSupportedException($"{slice.Name}: cut by columns");
            var rows = slice.Length / width;
            if (rowStride == width)
                FlatMemory.ForEachPiece(master + sizeof(float) * (nint)offset, slice.Length * sizeof(float), hash.AppendData);
            else
                for (long row = 0; row < rows; row++)
                    hash.AppendData(new ReadOnlySpan<byte>((float*)master + offset + row * rowStride, (int)width * sizeof(float)));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
