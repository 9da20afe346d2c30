using Tulu2.Cluster.Messages;

namespace Tulu2.Cluster.Clients;

/// <summary>The output lines of a run that its submitter has received: each once and in order, whichever coordinator sends it and however often.</summary>
/// <param name="Source">Coordinator whose lines these are; empty: none yet.</param>
/// <param name="Lines">Number of its lines received.</param>
internal sealed record ReceivedLines(string Source, int Lines)
{
    public static ReceivedLines Nothing { get; } = new("", 0);

    /// <returns>The state with this line; the same state when the line is not new, or when one before it is missing and has to be requested.</returns>
    public ReceivedLines Add(SubmissionProtocol.Line line)
    {
        // The lines of a new coordinator begin at 1.
        var known = line.Source == Source ? Lines : 0;
        return line.After <= known && line.Number > known ? new ReceivedLines(line.Source, line.Number) : this;
    }

    /// <summary>No line of the run is missing.</summary>
    public bool IsAll(SubmissionProtocol.Over over) => over.Lines == (over.Source == Source ? Lines : 0);
}
