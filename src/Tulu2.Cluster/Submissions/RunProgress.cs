using Tulu2.Protocol.Ids;

namespace Tulu2.Cluster.Submissions;

/// <summary>Progress of a run.</summary>
/// <param name="State">waiting, starting, reference, training, finishing or evaluating.</param>
/// <param name="Step">The last committed step.</param>
/// <param name="Generation">0: no generation was opened yet.</param>
/// <param name="Missing">Ranks without a node.</param>
/// <param name="IsOver">None of its actors is left.</param>
internal sealed record RunProgress(string RunDirectory, string State, StepNumber Step, int Steps, Generation Generation, int Ranks, int Missing, bool IsOver)
{
    /// <summary>What is wrong with the run's storage, and what to do; null: nothing is.</summary>
    public string? Alarm { get; init; }

    /// <summary>Share of the ranks' time that was useful, from 0 to 1, by the last account; null: there is none.</summary>
    public double? Goodput { get; init; }
}
