using Tulu2.Collectives.Layout;
using Tulu2.Models.Families;
using Tulu2.Protocol.Ids;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;

namespace Tulu2.Training.Hosting;

/// <summary>The first message to a worker process: all it needs to know of its run.</summary>
public sealed record WorkerStart
{
    public Rank Rank { get; init; }

    /// <summary>The how many-th of its node's workers this is.</summary>
    public int NodePlace { get; init; }

    /// <summary>The effective recipe: profile applied.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Schedules of a run whose recipe was changed; empty: the recipe's own.</summary>
    public IReadOnlyList<ScheduleSegment> Schedules { get; init; } = [];

    /// <summary>The model's shape with the recipe's overrides.</summary>
    public required ModelConfig Model { get; init; }

    /// <summary>V as it is used.</summary>
    public required int VirtualShards { get; init; }

    public required ParallelLayout Parallel { get; init; }

    /// <summary>The <c>checkpoints/</c> directory of the run.</summary>
    public required string CheckpointDirectory { get; init; }

    public required BatchFacts Batches { get; init; }

    /// <summary>Null for SFT.</summary>
    public ReferenceFile? Reference { get; init; }

    /// <summary>The run's data-plane key: peers that do not have it are refused. Secret; never printed.</summary>
    public required byte[] Key { get; init; }

    /// <summary>The address of this node that peers reach.</summary>
    public required string ListenAddress { get; init; }

    public TimeSpan CollectiveDeadline { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Without the key.</summary>
    public override string ToString() => $"worker of rank {Rank} of {Parallel}";
}
