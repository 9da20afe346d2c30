using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Ranks;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Placement;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Nodes;

/// <summary>A node's part of a run.</summary>
/// <param name="Layout">Of one copy of model and optimizer state, of which a run may have any number.</param>
/// <param name="Workers">Disposed of, where it can be, when the ranks are stopped: it may hold spare workers.</param>
/// <param name="Reference">Its chunks are read on this node; null where there is no reference pass.</param>
/// <param name="Validation">Its chunks are read on this node; null where the run does not validate.</param>
/// <param name="Owned">Freed when the node's part of the run is over.</param>
public sealed record NodePlan(
    ParallelLayout Layout, IWorkerFactory Workers, IBatchPlan Batches, IReferencePlan? Reference, IValidationPlan? Validation, int TotalSteps, int Prefetch,
    IDisposable? Owned = null);

/// <summary>Prepares a node's part of a run from the run directory. Called on a thread of its own.</summary>
public interface INodePreparation
{
    /// <param name="address">Address of this node, as others reach it.</param>
    /// <exception cref="Files.BadInputException">Files of the run are missing on this node, or differ.</exception>
    NodePlan Prepare(NodeRun run, string address);
}

/// <summary>Number of ranks that a node takes, its preparation for them, and the memory that they may use.</summary>
public sealed record NodeCapacity(int Ranks, INodePreparation Preparation, MachineMemory Memory);
