using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Tulu2.Files;

namespace Tulu2.Training.Reference;

/// <summary>
/// The reference model's summed log-probabilities of every preference pair, computed once and kept on disk under a key of everything they depend on. The
/// file: magic, key, number of pairs, (chosen, rejected) as little-endian floats, SHA-256 of all before.
/// </summary>
public sealed class ReferenceLogProbabilities
{
    private const int HashBytes = 32;
    private const int HeaderBytes = 8 + 64 + 8;
    private static readonly byte[] Magic = Encoding.ASCII.GetBytes("T2REFLP1");

    private readonly float[] _values;

    /// <param name="values">[2 * pairs] chosen and rejected of each pair, by pair number in the token store.</param>
    /// <exception cref="ArgumentException">A value that is not a finite number: a pair was not scored.</exception>
    public ReferenceLogProbabilities(float[] values)
    {
        var missing = Array.FindIndex(values, value => !float.IsFinite(value));
        if (missing >= 0) throw new ArgumentException($"reference log-probabilities: pair {missing / 2} has {values[missing]}", nameof(values));
        _values = values;
    }

    public int Pairs => _values.Length / 2;

    public (float Chosen, float Rejected) this[int pair] => (_values[2 * pair], _values[2 * pair + 1]);

    /// <summary>The key under which the values of one run's pairs are kept.</summary>
    /// <param name="weightsSha256">Of the reference weights.</param>
    /// <param name="tokenStoreKey">Names ids, masks, template and maximum length.</param>
    /// <param name="precision">Compute type.</param>
    /// <param name="virtualShards">V is part of the numerics.</param>
    /// <param name="facts">Whatever else decides bits: model overrides, slot shape, libtorch build, CPU type.</param>
    public static string Key(string weightsSha256, string tokenStoreKey, string precision, int virtualShards, params IEnumerable<string> facts) =>
        ContentHash.OfParts(["reference-log-probabilities-1", weightsSha256, tokenStoreKey, precision, $"{virtualShards}", .. facts]);

    /// <summary>The file of a key in a cache directory.</summary>
    public static string FileOf(string directory, string key) => Path.Combine(directory, $"reference-{key}.bin");

    /// <summary>Writes the values under their key, whole or not at all.</summary>
    public void Write(string directory, string key)
    {
        var payload = MemoryMarshal.AsBytes<float>(_values);
        var bytes = new byte[HeaderBytes + payload.Length + HashBytes];
        Magic.CopyTo(bytes, 0);
        Encoding.ASCII.GetBytes(key, bytes.AsSpan(8, 64));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(72), Pairs);
        payload.CopyTo(bytes.AsSpan(HeaderBytes));
        SHA256.HashData(bytes.AsSpan(0, bytes.Length - HashBytes), bytes.AsSpan(bytes.Length - HashBytes));
        AtomicFile.WriteAllBytes(FileOf(directory, key), bytes);
    }

    /// <summary>Reads the values of a key; null where there are none, or where the file is damaged (it is then as good as absent).</summary>
    /// <param name="pairs">How many pairs the token store has.</param>
    public static ReferenceLogProbabilities? TryOpen(string directory, string key, int pairs)
    {
        var path = FileOf(directory, key);
        if (!File.Exists(path)) return null;
        var bytes = File.ReadAllBytes(path);
        if (bytes.LongLength != HeaderBytes + 8L * pairs + HashBytes) return null;
        var content = bytes.AsSpan(0, bytes.Length - HashBytes);
        if (!SHA256.HashData(content).AsSpan().SequenceEqual(bytes.AsSpan(content.Length))) return null;
        if (!content[..8].SequenceEqual(Magic) || Encoding.ASCII.GetString(content.Slice(8, 64)) != key) return null;
        return new ReferenceLogProbabilities(MemoryMarshal.Cast<byte, float>(content[HeaderBytes..]).ToArray());
    }
}
