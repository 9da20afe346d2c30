namespace Tulu2.Cli.Commands;

/// <summary>The line of <c>node --json</c>, written when the node is a member of the cluster.</summary>
internal sealed record NodeUp(string Address);
