namespace Tulu2.Cluster.Runs;

/// <summary>How far the ranks of a run are, for whoever asks.</summary>
/// <param name="State">waiting, starting, reference, training or finishing.</param>
/// <param name="Step">The last committed step.</param>
/// <param name="Generation">0: the ranks were never together yet.</param>
/// <param name="Missing">Places on nodes that the run waits for.</param>
/// <param name="IsOver">Nothing of it is left among the actors.</param>
internal sealed record RunProgress(string RunDirectory, string State, int Step, int Steps, long Generation, int Ranks, int Missing, bool IsOver);
