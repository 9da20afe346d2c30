namespace Tulu2.Mixtures.Deduplication;

/// <summary>Keeps the first of rows that repeat each other. Rows come in the mixture's order.</summary>
internal sealed class DuplicateCheck(DuplicateRule rule)
{
    private readonly Dictionary<UInt128, int> _exact = [];
    private readonly NearIndex? _near = rule.Kind == DuplicateKind.Near ? new NearIndex(rule.Threshold) : null;

    /// <summary>Number of the earlier row (from 0, of those kept) that this one repeats; null: it is new, and now known.</summary>
    /// <param name="signature">Needed for near duplicates only.</param>
    public (int Row, bool Exact)? FindOrAdd(UInt128 fingerprint, ushort[]? signature)
    {
        if (rule.Kind == DuplicateKind.None) return null;
        if (!_exact.TryAdd(fingerprint, _exact.Count)) return (_exact[fingerprint], true);
        if (_near is null) return null;
        if (_near.Find(signature!) is { } row)
        {
            // Only kept rows count.
            _exact.Remove(fingerprint);
            return (row, false);
        }
        _near.Add(signature!);
        return null;
    }
}
