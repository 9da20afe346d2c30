using Tulu2.Collectives.Layout;

namespace Tulu2.Cluster.Messages;

/// <summary>A run as sent to another node, which finds the rest in the run directory: all nodes see it under the same path.</summary>
/// <param name="Layout">Of one copy of model and optimizer state, of which a run may have any number.</param>
/// <param name="RecipeHash">The hash that the node's preparation must give.</param>
/// <param name="Key">Key of the run's data plane. Secret: sent in this message only.</param>
public sealed record NodeRun(string RunDirectory, string RecipeHash, ParallelLayout Layout, int TotalSteps, int Prefetch, byte[] Key)
{
    /// <summary>It is the same run, to be computed in the same way: workers of the one can go on with the other.</summary>
    public bool IsSame(NodeRun other) => this with { Key = [] } == other with { Key = [] } && Key.AsSpan().SequenceEqual(other.Key);

    /// <summary>Without the key.</summary>
    public override string ToString() => RunDirectory;
}
