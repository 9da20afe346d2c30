using Tulu2.Cluster.Reference;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Nodes;

/// <summary>What another node is told of a run; the rest it finds in the run directory, which all nodes see under the same path.</summary>
/// <param name="RecipeHash">What the node prepares must come to the same.</param>
/// <param name="Key">Of the run's data plane. Secret: it travels in this message only.</param>
public sealed record NodeRun(string RunDirectory, string RecipeHash, ParallelLayout Layout, int TotalSteps, int RestartsPerMinute, int Prefetch, byte[] Key)
{
    /// <summary>Without the key.</summary>
    public override string ToString() => $"{RunDirectory} on {Layout}";
}

/// <summary>What a node works with in a run.</summary>
/// <param name="Reference">Its chunks are read on this node; null where there is no reference pass.</param>
/// <param name="Owned">Freed when the node's part of the run is over.</param>
public sealed record NodePlan(
    ParallelLayout Layout, IWorkerFactory Workers, IBatchPlan Batches, IReferencePlan? Reference, int TotalSteps, int RestartsPerMinute, int Prefetch,
    IDisposable? Owned = null);

/// <summary>Prepares a node's part of a run from what its directory says. Called on a thread of its own.</summary>
public interface INodePreparation
{
    /// <param name="address">Of this node, as others reach it.</param>
    /// <exception cref="Files.BadInputException">What the run needs is not here, or is not the same.</exception>
    NodePlan Prepare(NodeRun run, string address);
}

/// <summary>How many ranks a node takes, and how it prepares for them.</summary>
public sealed record NodePlaces(int Count, INodePreparation Preparation);
