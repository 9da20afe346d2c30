namespace Tulu2.Cluster.Submissions;

/// <summary>What a submitter has heard of its run: each line once and in order, whoever says it and however often.</summary>
/// <param name="Source">The coordinator that is listened to; empty: none yet.</param>
/// <param name="Lines">Its lines so far.</param>
internal sealed record Hearing(string Source, int Lines)
{
    public static Hearing Nothing { get; } = new("", 0);

    /// <returns>What is heard now; the same when the line is not new, or when one before it is missing, which has to be asked for.</returns>
    public Hearing Hear(SubmissionProtocol.Line line)
    {
        // The lines of a new coordinator begin at 1.
        var known = line.Source == Source ? Lines : 0;
        return line.After <= known && line.Number > known ? new Hearing(line.Source, line.Number) : this;
    }

    /// <summary>Nothing that was said is missing.</summary>
    public bool IsAll(SubmissionProtocol.Over over) => over.Lines == (over.Source == Source ? Lines : 0);
}
