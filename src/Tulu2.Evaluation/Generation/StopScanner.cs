using System.Text;

namespace Tulu2.Evaluation.Generation;

/// <summary>
/// Passes on text up to the first stop string. A suffix that may become a stop string is held back, so that no part of one is passed on even when it spans
/// several pieces.
/// </summary>
internal sealed class StopScanner(IReadOnlyList<string> stops)
{
    private readonly StringBuilder _held = new();

    /// <summary>A stop string was found; no more text is returned.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Adds the next piece and returns the text that certainly precedes any stop string.</summary>
    public string Push(string piece)
    {
        if (Stopped || piece.Length == 0) return string.Empty;
        if (stops.Count == 0) return piece;
        var text = _held.Append(piece).ToString();
        _held.Clear();
        var end = stops.Select(stop => text.IndexOf(stop, StringComparison.Ordinal)).Where(at => at >= 0).DefaultIfEmpty(-1).Min();
        if (end >= 0)
        {
            Stopped = true;
            return text[..end];
        }
        var kept = LongestBeginning(text);
        _held.Append(text, text.Length - kept, kept);
        return text[..^kept];
    }

    /// <summary>Ends the text and returns the suffix that was held back.</summary>
    public string Flush()
    {
        var rest = Stopped ? string.Empty : _held.ToString();
        _held.Clear();
        return rest;
    }

    /// <summary>Length of the longest suffix of <paramref name="text"/> that is a prefix of a stop string.</summary>
    private int LongestBeginning(string text)
    {
        for (var length = Math.Min(text.Length, stops.Max(s => s.Length) - 1); length > 0; length--)
            if (stops.Any(stop => stop.Length > length && text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length))))
                return length;
        return 0;
    }
}
