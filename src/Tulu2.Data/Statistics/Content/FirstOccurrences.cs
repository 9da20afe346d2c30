namespace Tulu2.Data.Statistics.Content;

/// <summary>
/// Which row had a content first. An entry has 16 bytes, 96 bits of the content's fingerprint and 32 of the row's number, in a table of which at most three
/// quarters are filled: among a thousand million rows, the chance that two contents are taken for one is below one in 10^11.
/// </summary>
internal sealed class FirstOccurrences
{
    private const int NumberBits = 32;

    private UInt128[] _entries = new UInt128[1 << 10];
    private int _count;

    /// <summary>Number of the first row with this content; null: this is the first, and now known.</summary>
    /// <param name="row">Number of this row, from 0; below 2^32 - 1.</param>
    public long? FindOrAdd(UInt128 fingerprint, long row)
    {
        // 0 is an empty place.
        var entry = (fingerprint >> NumberBits << NumberBits) | checked((uint)(row + 1));
        var place = PlaceOf(entry);
        if (_entries[place] != 0) return (long)(uint)_entries[place] - 1;
        _entries[place] = entry;
        if (++_count > _entries.Length / 4 * 3) Grow();
        return null;
    }

    private int PlaceOf(UInt128 entry)
    {
        var place = (int)(ulong)(entry >> NumberBits) & (_entries.Length - 1);
        while (_entries[place] != 0 && _entries[place] >> NumberBits != entry >> NumberBits) place = (place + 1) & (_entries.Length - 1);
        return place;
    }

    private void Grow()
    {
        var old = _entries;
        _entries = new UInt128[checked(old.Length * 2)];
        foreach (var entry in old)
            if (entry != 0) _entries[PlaceOf(entry)] = entry;
    }
}
