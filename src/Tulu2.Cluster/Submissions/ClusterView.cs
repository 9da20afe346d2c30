using System.Collections.Immutable;

namespace Tulu2.Cluster.Submissions;

/// <summary>The cluster as it was when asked.</summary>
/// <param name="Nodes">In order of their addresses.</param>
/// <param name="Coordinator">Address of the node that has the coordinator; null: none answers.</param>
/// <param name="InHand">The run in hand; null: none is.</param>
/// <param name="Last">The run that ended last under this coordinator.</param>
public sealed record ClusterView(ImmutableArray<NodeView> Nodes, string? Coordinator, RunView? InHand, RunView? Last);

/// <summary>A node of the cluster.</summary>
/// <param name="Status">In lower case: joining, up, leaving, exiting, down.</param>
/// <param name="Reachable">The node that was asked hears from it.</param>
public sealed record NodeView(string Address, ImmutableArray<string> Roles, string Status, bool Reachable);

/// <summary>A run that was submitted to the cluster.</summary>
/// <param name="State">preparing, waiting, starting, reference, training, finishing, stopping or exporting; in the end done, stopped or failed.</param>
/// <param name="Step">The last committed step.</param>
/// <param name="Steps">Of the whole run; 0: not known yet.</param>
/// <param name="Generation">How often the ranks were put together anew; 0: not yet.</param>
/// <param name="Ranks">0: not known yet.</param>
/// <param name="Missing">Places on nodes that the run waits for.</param>
/// <param name="ExitCode">Null until it has ended.</param>
public sealed record RunView(
    string Id, string Title, string Directory, string State, int Step, int Steps, long Generation, int Ranks, int Missing, int? ExitCode);
