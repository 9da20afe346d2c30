using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Tulu2.Files;

namespace Tulu2.Training.Reference;

/// <summary>
/// The reference model's summed log-probabilities of preference pairs, computed once and kept on disk under a key of everything they depend on. The
/// file: magic, key, number of pairs, (chosen, rejected) as little-endian floats, NaN where no run has needed a pair yet, SHA-256 of all before.
/// </summary>
public sealed class ReferenceLogProbabilities
{
    private const int HashBytes = 32;
    private const int HeaderBytes = 8 + 64 + 8;
    private static readonly byte[] Magic = Encoding.ASCII.GetBytes("T2REFLP1");

    private static readonly TimeSpan LockInterval = TimeSpan.FromMilliseconds(20);

    private readonly float[] _values;

    /// <param name="values">[2 * pairs] chosen and rejected of each pair, by pair number in the token store; NaN: not scored.</param>
    /// <exception cref="ArgumentException">An infinite value.</exception>
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

    /// <summary>The pair was scored.</summary>
    public bool Has(int pair) => !float.IsNaN(_values[2 * pair]) && !float.IsNaN(_values[2 * pair + 1]);

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

    /// <summary>
    /// Adds values to those that lie under their key already, whole or not at all; runs that add at the same time wait for each other. Waits on the disk.
    /// </summary>
    /// <param name="values">[2 * pairs], NaN where there is nothing to add.</param>
    /// <returns>All that lies there now.</returns>
    public static ReferenceLogProbabilities Add(string directory, string key, float[] values)
    {
        Directory.CreateDirectory(directory);
        using var held = Lock($"{FileOf(directory, key)}.lock");
        var found = TryOpen(directory, key, values.Length / 2);
        var all = new ReferenceLogProbabilities([.. values.Select((value, index) => float.IsNaN(value) && found is not null ? found._values[index] : value)]);
        all.Write(directory, key);
        return all;
    }

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
                // Held by a run that is adding; the kernel lifts the lock of one that was killed.
                Thread.Sleep(LockInterval);
            }
        }
    }
}
