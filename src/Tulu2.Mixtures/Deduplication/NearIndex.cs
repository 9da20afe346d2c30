using Tulu2.Data;

namespace Tulu2.Mixtures.Deduplication;

/// <summary>
/// Finds an earlier signature that is as similar as a threshold asks, by bands of equal places (locality-sensitive hashing). A pair at the threshold is
/// compared with a probability of at least 99 %. About 0.4 kB of memory a row.
/// </summary>
internal sealed class NearIndex
{
    private const double Found = 0.99;

    private readonly double _threshold;
    private readonly int _rows, _bands;
    private readonly List<ushort[]> _signatures = [];
    private readonly List<int> _next = [];
    private int[] _heads = NewHeads(1 << 12);

    public NearIndex(double threshold)
    {
        _threshold = threshold;
        _rows = RowsOfBand(threshold);
        _bands = MinHash.Places / _rows;
    }

    /// <summary>Number of the first signature of those added that is similar enough; null: there is none.</summary>
    public int? Find(ushort[] signature)
    {
        int? found = null;
        for (var band = 0; band < _bands; band++)
            for (var entry = _heads[Slot(signature, band)]; entry >= 0; entry = _next[entry])
                if (entry % _bands == band && entry / _bands is var other && (found is null || other < found)
                    && MinHash.Similarity(signature, _signatures[other]) >= _threshold)
                    found = other;
        return found;
    }

    public void Add(ushort[] signature)
    {
        _signatures.Add(signature);
        if (_signatures.Count * _bands > _heads.Length) Grow();
        Link(_signatures.Count - 1);
    }

    /// <summary>The longest bands that miss hardly any pair at the threshold: the longer, the fewer pairs are compared in vain.</summary>
    internal static int RowsOfBand(double threshold)
    {
        for (var rows = 16; rows > 1; rows--)
            if (1 - Math.Pow(1 - Math.Pow(threshold, rows), MinHash.Places / rows) >= Found) return rows;
        return 1;
    }

    private void Grow()
    {
        _heads = NewHeads(_heads.Length * 2);
        _next.Clear();
        for (var row = 0; row < _signatures.Count - 1; row++) Link(row);
    }

    private void Link(int row)
    {
        for (var band = 0; band < _bands; band++)
        {
            var slot = Slot(_signatures[row], band);
            _next.Add(_heads[slot]);
            _heads[slot] = row * _bands + band;
        }
    }

    private int Slot(ushort[] signature, int band)
    {
        var hash = (ulong)band;
        for (var at = band * _rows; at < (band + 1) * _rows; at++) hash = SplitMix64.Mix(hash ^ signature[at]);
        return (int)(hash & (ulong)(_heads.Length - 1));
    }

    private static int[] NewHeads(int length)
    {
        var heads = new int[length];
        Array.Fill(heads, -1);
        return heads;
    }
}
