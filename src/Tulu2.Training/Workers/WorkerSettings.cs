using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Models.Parameters;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;
using static TorchSharp.torch;

namespace Tulu2.Training.Workers;

/// <summary>The settings of a run's worker.</summary>
public sealed record WorkerSettings
{
    /// <summary>The effective recipe: profile applied (<see cref="RecipeProfiles.Apply"/>).</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Schedules of a run whose recipe was changed; empty: the recipe's own.</summary>
    public IReadOnlyList<ScheduleSegment> Schedules { get; init; } = [];

    /// <summary>Parameters of the whole model: its shape with the recipe's overrides, cut into the number of virtual shards in effect.</summary>
    public required ModelParameters Parameters { get; init; }

    /// <summary>The layout of the run's ranks.</summary>
    public ParallelLayout Parallel { get; init; } = new(1);

    /// <summary>Index of this worker on its node, from 0; selects the GPU.</summary>
    public int IndexOnNode { get; init; }

    /// <summary>Used for counts only; batches arrive by <see cref="WorkerCommand.Feed"/>.</summary>
    public required IBatchPlan Plan { get; init; }

    /// <summary>The sources of the run's items, for metrics; empty: nothing is said of them.</summary>
    public IReadOnlyList<SourceItems> Sources { get; init; } = [];

    public required ICollectiveFactory DataPlane { get; init; }

    /// <summary>The <c>checkpoints/</c> directory of the run.</summary>
    public required string CheckpointDirectory { get; init; }

    /// <summary>The run's checkpoints, with their mirror where the recipe has one.</summary>
    internal CheckpointStore OpenCheckpoints() => new(CheckpointDirectory) { Mirror = Recipe.Checkpoint.Mirror is { } mirror ? new CheckpointStore(mirror) : null };

    /// <summary>Opens the reference log-probabilities; called after the reference pass, for the first slot. Null: the objective needs none.</summary>
    public Func<ReferenceLogProbabilities>? References { get; init; }

    /// <summary>
    /// Maximum time of one collective call, which includes waiting for the slowest rank's slots. A last resort against hangs: the supervisor's limit for
    /// progress is much shorter.
    /// </summary>
    public TimeSpan CollectiveDeadline { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Faults to inject in tests.</summary>
    public FaultPlan? Faults { get; init; }

    /// <summary>Is given the state of a rank when it is allocated. For tests.</summary>
    internal Action<Rank, IReadOnlyList<StateBlock>>? StateMade { get; init; }

    /// <summary>Minimum number of elements of a <see cref="Steps.GradientPieces"/> piece; null: its default. For tests.</summary>
    internal long? GradientPiece { get; init; }

    /// <summary>Overrides the recipe's device: in tests, the CPU in the role of a GPU.</summary>
    internal Device? DeviceOverride { get; init; }

    /// <summary>The device of the model's computation and the gradient sums; null: the host. A GPU becomes the calling thread's current one.</summary>
    /// <exception cref="Files.BadInputException">There is no such device.</exception>
    internal Device? ComputeDevice() => DeviceOverride ?? ComputeDevices.Of(Recipe.Parallel.Device, IndexOnNode);

    /// <summary>Threads of the optimizer: one, or with a GPU its share of the cores.</summary>
    internal HostThreads HostThreads() => DeviceOverride is not null ? new HostThreads(3) : new HostThreads(ComputeDevices.HostThreads(Recipe.Parallel.Device));
}
