namespace Tulu2.Cluster.Submissions;

/// <summary>What a run has said, by number, for a submitter that was away. Only the newest lines are kept.</summary>
internal sealed class Transcript
{
    public const int Kept = 2000;

    private readonly Queue<(int Number, bool IsError, string Text)> _lines = [];

    /// <summary>Lines said so far, and the number of the last.</summary>
    public int Count { get; private set; }

    /// <returns>Its number, from 1.</returns>
    public int Add(bool isError, string text)
    {
        _lines.Enqueue((++Count, isError, text));
        if (_lines.Count > Kept) _lines.Dequeue();
        return Count;
    }

    /// <summary>The lines that follow the first <paramref name="heard"/>, each with the number of the one before it, or of those that are lost.</summary>
    public IEnumerable<(int After, int Number, bool IsError, string Text)> Since(int heard)
    {
        var after = heard;
        foreach (var line in _lines.Where(line => line.Number > heard))
        {
            yield return (after, line.Number, line.IsError, line.Text);
            after = line.Number;
        }
    }
}
