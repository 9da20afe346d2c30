using System.Numerics;
using System.Runtime.InteropServices;
using Tulu2.Data;
using Tulu2.Data.Rows;

namespace Tulu2.Mixtures.Deduplication;

/// <summary>
/// MinHash signatures (Broder: On the resemblance and containment of documents, 1997): the share of equal places of two signatures estimates the Jaccard
/// similarity of their sets of shingles, within about 0.04 (one standard deviation at 128 places).
/// </summary>
/// <param name="shingle">Words of a shingle; a dialogue with fewer words is one shingle.</param>
internal sealed class MinHash(int shingle)
{
    /// <summary>Places of a signature; 16 bits each are kept.</summary>
    public const int Places = 128;

    private static readonly (uint[] Salts, uint[] Factors) Permutations = Draw();

    /// <summary>The signature of all turns together, whoever speaks.</summary>
    public ushort[] Of(IEnumerable<Message> messages)
    {
        var least = new uint[Places];
        Array.Fill(least, uint.MaxValue);
        var words = new ulong[shingle];
        var count = 0;
        foreach (var message in messages)
            foreach (var word in new WordHashes(message.Content))
            {
                words[count++ % shingle] = word;
                if (count >= shingle) Take(Shingle(words, count), least);
            }
        if (count < shingle) Take(Shingle(words.AsSpan(0, count), 0), least);
        return [.. least.Select(value => (ushort)value)];
    }

    /// <summary>Estimated Jaccard similarity of the texts of two signatures, from 0 to 1.</summary>
    public static double Similarity(ReadOnlySpan<ushort> one, ReadOnlySpan<ushort> other)
    {
        var equal = 0;
        for (var at = 0; at < Places; at++)
            if (one[at] == other[at]) equal++;
        return (double)equal / Places;
    }

    private static ulong Shingle(ReadOnlySpan<ulong> words, int first)
    {
        var hash = 0UL;
        for (var at = 0; at < words.Length; at++) hash = SplitMix64.Mix(hash ^ words[(first + at) % words.Length]);
        return hash;
    }

    private static void Take(ulong shingleHash, uint[] least)
    {
        var hash = new Vector<uint>((uint)(shingleHash >> 32));
        var salts = MemoryMarshal.Cast<uint, Vector<uint>>(Permutations.Salts);
        var factors = MemoryMarshal.Cast<uint, Vector<uint>>(Permutations.Factors);
        var mins = MemoryMarshal.Cast<uint, Vector<uint>>(least.AsSpan());
        for (var at = 0; at < mins.Length; at++)
        {
            var mixed = (hash ^ salts[at]) * factors[at];
            mixed ^= Vector.ShiftRightLogical(mixed, 15);
            mixed *= factors[at];
            mixed ^= Vector.ShiftRightLogical(mixed, 13);
            mins[at] = Vector.Min(mins[at], mixed);
        }
    }

    private static (uint[] Salts, uint[] Factors) Draw()
    {
        var (salts, factors) = (new uint[Places], new uint[Places]);
        for (var at = 0; at < Places; at++)
        {
            var mixed = SplitMix64.Mix((ulong)at + 1);
            // An odd factor loses no bit.
            (salts[at], factors[at]) = ((uint)mixed, (uint)(mixed >> 32) | 1);
        }
        return (salts, factors);
    }
}
