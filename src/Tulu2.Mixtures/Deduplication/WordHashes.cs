namespace Tulu2.Mixtures.Deduplication;

/// <summary>
/// Hashes of a text's words, in order: runs of letters and digits, whatever their case. Scripts without spaces between words (from U+2E80 on) count
/// character by character.
/// </summary>
internal ref struct WordHashes(ReadOnlySpan<char> text)
{
    // FNV-1a (Fowler, Noll, Vo), on UTF-16 units.
    private const ulong Offset = 14695981039346656037, Prime = 1099511628211;
    private const char Ideographs = '\u2e80';

    private ReadOnlySpan<char> _rest = text;

    public ulong Current { get; private set; }

    public readonly WordHashes GetEnumerator() => this;

    public bool MoveNext()
    {
        var begin = 0;
        while (begin < _rest.Length && !char.IsLetterOrDigit(_rest[begin])) begin++;
        if (begin == _rest.Length) return false;
        var (at, hash) = (begin, Offset);
        do hash = (hash ^ char.ToLowerInvariant(_rest[at++])) * Prime;
        while (at < _rest.Length && _rest[at - 1] < Ideographs && _rest[at] < Ideographs && char.IsLetterOrDigit(_rest[at]));
        Current = hash;
        _rest = _rest[at..];
        return true;
    }
}
