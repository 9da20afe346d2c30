namespace Tulu2.Cluster.Submissions;

/// <summary>Numbered output lines of a run, for a submitter that was disconnected. Only the newest lines are kept.</summary>
internal sealed class Transcript
{
    public const int Kept = 2000;

    private readonly Queue<(int Number, bool IsError, string Text)> _lines = [];

    /// <summary>Number of lines so far, which is the number of the last one.</summary>
    public int Count { get; private set; }

    /// <returns>Its number, from 1.</returns>
    public int Add(bool isError, string text)
    {
        _lines.Enqueue((++Count, isError, text));
        if (_lines.Count > Kept) _lines.Dequeue();
        return Count;
    }

    /// <summary>The lines after line <paramref name="received"/>, each with the number of the one before it; lines between are lost.</summary>
    public IEnumerable<(int After, int Number, bool IsError, string Text)> Since(int received)
    {
        var after = received;
        foreach (var line in _lines.Where(line => line.Number > received))
        {
            yield return (after, line.Number, line.IsError, line.Text);
            after = line.Number;
        }
    }
}
