using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Files.Certificates;
using Tulu2.Models.Families;
using Tulu2.Protocol.Ids;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;

namespace Tulu2.Training.Hosting;

/// <summary>The first message to a spare worker: the run whose rank it will be, so that it can get ready. Its <see cref="WorkerStart"/> follows when it is needed.</summary>
public sealed record WorkerWarmUp(WorkerStart Run);

/// <summary>The first message to the process of a rank's worker, with all that it needs to know about its run.</summary>
public sealed record WorkerStart
{
    public Rank Rank { get; init; }

    /// <summary>Index of this worker on its node, from 0; selects the GPU.</summary>
    public int IndexOnNode { get; init; }

    /// <summary>The effective recipe: profile applied.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Schedules of a run whose recipe was changed; empty: the recipe's own.</summary>
    public IReadOnlyList<ScheduleSegment> Schedules { get; init; } = [];

    /// <summary>The model's shape with the recipe's overrides.</summary>
    public required ModelConfig Model { get; init; }

    /// <summary>Number of virtual shards in effect.</summary>
    public required int VirtualShards { get; init; }

    public required ParallelLayout Parallel { get; init; }

    /// <summary>The <c>checkpoints/</c> directory of the run.</summary>
    public required string CheckpointDirectory { get; init; }

    public required BatchFacts Batches { get; init; }

    /// <summary>As <see cref="Workers.WorkerSettings.Sources"/>.</summary>
    public IReadOnlyList<SourceItems> Sources { get; init; } = [];

    /// <summary>The reference log-probabilities; null: the objective needs none.</summary>
    public ReferenceFile? Reference { get; init; }

    /// <summary>The run's data-plane key, without which peers are refused. Secret; never printed.</summary>
    public required byte[] Key { get; init; }

    /// <summary>The address under which peers reach this node.</summary>
    public required string ListenAddress { get; init; }

    /// <summary>Where the certificates of the node are: the data plane's connections are mutual TLS; null: they are not encrypted.</summary>
    public IdentityFiles? Identity { get; init; }

    /// <summary>As <see cref="Workers.WorkerSettings.CollectiveDeadline"/>.</summary>
    public TimeSpan CollectiveDeadline { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Omits the key.</summary>
    public override string ToString() => $"worker of rank {Rank} of {Parallel}";
}
