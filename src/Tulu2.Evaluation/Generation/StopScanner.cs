using System.Text;

namespace Tulu2.Evaluation.Generation;

/// <summary>
/// Lets text through up to the first stop string. An end of the text that may yet become a stop string is held back, so that no part of one leaks,
/// wherever the pieces are cut.
/// </summary>
internal sealed class StopScanner(IReadOnlyList<string> stops)
{
    private readonly StringBuilder _held = new();

    /// <summary>A stop string was found; nothing more comes out.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Takes the next piece and returns what is certain to come before any stop string.</summary>
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

    /// <summary>The text is over: what was held back is text after all.</summary>
    public string Flush()
    {
        var rest = Stopped ? string.Empty : _held.ToString();
        _held.Clear();
        return rest;
    }

    /// <summary>Length of the longest end of <paramref name="text"/> with which a stop string begins.</summary>
    private int LongestBeginning(string text)
    {
        for (var length = Math.Min(text.Length, stops.Max(s => s.Length) - 1); length > 0; length--)
            if (stops.Any(stop => stop.Length > length && text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length))))
                return length;
        return 0;
    }
}
