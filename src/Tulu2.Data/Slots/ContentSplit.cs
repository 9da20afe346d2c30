using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Tulu2.Data.Slots;

/// <summary>Names rows (or pairs) by their content, their token ids, and divides them by it: equal ones are on one side, and more rows move none of those that were there.</summary>
public static class ContentSplit
{
    /// <summary>A hash of the token ids of each row (or pair).</summary>
    /// <param name="perItem">Sequences of each.</param>
    public static UInt128[] Hashes(ITokenSource source, int perItem)
    {
        var hashes = new UInt128[source.Sequences / perItem];
        Parallel.For(0, hashes.Length, item =>
        {
            var hash = new XxHash128();
            for (var sequence = item * perItem; sequence < (item + 1) * perItem; sequence++)
            {
                var ids = source.Ids(sequence);
                var length = ids.Length;
                hash.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in length)));
                hash.Append(MemoryMarshal.AsBytes(ids));
            }
            hashes[item] = hash.GetCurrentHashAsUInt128();
        });
        return hashes;
    }

    /// <summary>Whether content of this hash belongs to a share of all content.</summary>
    /// <param name="share">From 0 to 1.</param>
    public static bool IsIn(UInt128 hash, double share) => (ulong)(hash >> 64) < share * Math.Pow(2, 64);
}
