using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Tulu2.Cluster.Messages;

/// <summary>The state of a cluster when it was queried.</summary>
/// <param name="Nodes">In order of their addresses.</param>
/// <param name="Coordinator">Address of the coordinator's node; null: none answers.</param>
/// <param name="Current">The current run; null: none.</param>
/// <param name="Last">The run that ended last under this coordinator.</param>
public sealed record ClusterView(
    ImmutableArray<NodeView> Nodes, string? Coordinator, [property: JsonPropertyName("in_hand")] RunView? Current, RunView? Last);

/// <summary>A node of the cluster.</summary>
/// <param name="Status">In lower case: joining, up, leaving, exiting, down.</param>
/// <param name="Reachable">It is reachable from the node that answered.</param>
public sealed record NodeView(string Address, ImmutableArray<string> Roles, string Status, bool Reachable);

/// <summary>A run that was submitted to the cluster.</summary>
/// <param name="State">preparing, waiting, starting, reference, training, finishing, evaluating, stopping or exporting; in the end done, stopped or failed.
/// Followed by <c>, alarm: ...</c> while checkpoints or their copies cannot be written.</param>
/// <param name="Step">The last committed step.</param>
/// <param name="Steps">Total steps; 0: not yet known.</param>
/// <param name="Generation">Current generation of the ranks; 0: none yet.</param>
/// <param name="Ranks">0: not yet known.</param>
/// <param name="Missing">Ranks without a node.</param>
/// <param name="ExitCode">Null until it has ended.</param>
public sealed record RunView(
    string Id, string Title, string Directory, string State, int Step, int Steps, long Generation, int Ranks, int Missing, int? ExitCode)
{
    /// <summary>Share of the ranks' time that was useful, from 0 to 1 (docs/goodput.md); null: not known yet.</summary>
    public double? Goodput { get; init; }
}
