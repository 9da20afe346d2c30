using System.Security.Cryptography;

namespace Tulu2.Files;

/// <summary>SHA-256 of content, in lower-case hexadecimal.</summary>
public static class ContentHash
{
    public static string Of(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public static string OfFile(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>SHA-256 of a file's length and of 64 blocks of it that are spread evenly, the first and the last among them.</summary>
    public static string OfSamples(string path)
    {
        const int blocks = 64, size = 4096;
        using var file = File.OpenHandle(path);
        var length = RandomAccess.GetLength(file);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(BitConverter.GetBytes(length));
        var buffer = new byte[size];
        for (var block = 0; block < blocks; block++)
        {
            // A file that is not larger than all blocks is read whole.
            var first = length <= blocks * size ? (long)block * size : (length - size) / (blocks - 1) * block + (block == blocks - 1 ? (length - size) % (blocks - 1) : 0);
            hash.AppendData(buffer, 0, first < length ? RandomAccess.Read(file, buffer, first) : 0);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Hash of a list of strings. Each part is hashed with its length, so that different lists never hash the same bytes.</summary>
    public static string OfParts(params IEnumerable<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes((long)bytes.Length));
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
