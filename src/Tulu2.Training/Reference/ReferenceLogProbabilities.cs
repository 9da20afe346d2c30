using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Tulu2.Files;

namespace Tulu2.Training.Reference;

/// <summary>
/// The reference model's summed log-probabilities of preference pairs (of unpaired preferences: a row's own answer in place of the chosen one, its mismatched answer in
/// place of the rejected one), computed once and cached on disk under a key of everything they depend on. File format:
/// magic, key, number of pairs, (chosen, rejected) of each pair as little-endian floats (NaN: not scored yet), SHA-256 of all preceding bytes.
/// </summary>
public sealed class ReferenceLogProbabilities
{
    private const int HashBytes = 32;
    private const int HeaderBytes = 8 + 64 + 8;
    private static readonly byte[] Magic = Encoding.ASCII.GetBytes("T2REFLP1");

    private static readonly TimeSpan LockInterval = TimeSpan.FromMilliseconds(20);

    private readonly float[] _values;

    /// <param name="values">[2 * pairs] chosen and rejected of each pair, by pair number in the token store; NaN: not scored.</param>
    /// <exception cref="ArgumentException">A value is infinite.</exception>
    public ReferenceLogProbabilities(float[] values)
    {
        var wrong = Array.FindIndex(values, float.IsInfinity);
        if (wrong >= 0) throw new ArgumentException($"reference log-probabilities: pair {wrong / 2} has {values[wrong]}", nameof(values));
        _values = values;
    }

    public int Pairs => _values.Length / 2;

    /// <exception cref="InvalidOperationException">The pair was not scored.</exception>
    public (float Chosen, float Rejected) this[int pair] => Has(pair)
        ? (_values[2 * pair], _values[2 * pair + 1])
        : throw new InvalidOperationException($"reference log-probabilities: pair {pair} was not scored");

    /// <summary>Whether the pair was scored.</summary>
    public bool Has(int pair) => !float.IsNaN(_values[2 * pair]) && !float.IsNaN(_values[2 * pair + 1]);

    /// <summary>The key under which the values of a run's pairs are cached.</summary>
    /// <param name="weightsSha256">Hash of the reference weights.</param>
    /// <param name="tokenStoreKey">Identifies ids, masks, template and maximum length.</param>
    /// <param name="precision">Compute type.</param>
    /// <param name="virtualShards">Number of virtual shards, which affects the bits.</param>
    /// <param name="facts">Everything else that affects the bits: model overrides, slot shape, libtorch build, CPU type.</param>
    public static string Key(string weightsSha256, string tokenStoreKey, string precision, int virtualShards, params IEnumerable<string> facts) =>
        ContentHash.OfParts(["reference-log-probabilities-1", weightsSha256, tokenStoreKey, precision, $"{virtualShards}", .. facts]);

    /// <summary>The file of a key in a cache directory.</summary>
    public static string FileOf(string directory, string key) => Path.Combine(directory, $"reference-{key}.bin");

    /// <summary>
    /// Merges values into the file of their key, atomically; concurrent runs wait for each other. Blocks on disk I/O.
    /// </summary>
    /// <param name="values">[2 * pairs]; NaN keeps the stored value.</param>
    /// <returns>The merged values.</returns>
    public static ReferenceLogProbabilities Add(string directory, string key, float[] values)
    {
        Directory.CreateDirectory(directory);
        using var held = Lock($"{FileOf(directory, key)}.lock");
        var found = TryOpen(directory, key, values.Length / 2);
        var all = new ReferenceLogProbabilities([.. values.Select((value, index) => float.IsNaN(value) && found is not null ? found._values[index] : value)]);
        all.Write(directory, key);
        return all;
    }

    /// <summary>Writes the values to the file of a key, atomically.</summary>
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

    /// <summary>Reads the values of a key; null where the file does not exist or is damaged.</summary>
    /// <param name="pairs">Number of pairs in the token store.</param>
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

    private static FileStream Lock(string path)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                // Another run holds the lock; the kernel releases that of a killed process.
                Thread.Sleep(LockInterval);
            }
        }
    }
}
