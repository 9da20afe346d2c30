using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Models.Parameters;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;
using static TorchSharp.torch;

namespace Tulu2.Training.Workers;

/// <summary>What every worker of a run is started with.</summary>
public sealed record WorkerSettings
{
    /// <summary>The effective recipe: profile applied (<see cref="RecipeProfiles.Apply"/>).</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Schedules of a run whose recipe was changed; empty: the recipe's own.</summary>
    public IReadOnlyList<ScheduleSegment> Schedules { get; init; } = [];

    /// <summary>The model's shape with the recipe's overrides, cut into the virtual shards that are used.</summary>
    public required ModelParameters Parameters { get; init; }

    /// <summary>Where the run's ranks stand.</summary>
    public ParallelLayout Parallel { get; init; } = new(1);

    /// <summary>The how many-th of its node's workers this is, which says what GPU it has.</summary>
    public int NodePlace { get; init; }

    /// <summary>Asked for counts and sequence numbers only; batches come by <see cref="WorkerCommand.Feed"/>.</summary>
    public required IBatchPlan Plan { get; init; }

    public required ICollectiveFactory DataPlane { get; init; }

    /// <summary>The <c>checkpoints/</c> directory of the run.</summary>
    public required string CheckpointDirectory { get; init; }

    /// <summary>Opens the reference log-probabilities; called with the first slot of a step, after the reference pass. Null: the objective needs none.</summary>
    public Func<ReferenceLogProbabilities>? References { get; init; }

    /// <summary>
    /// Longest wait in one collective call, which includes waiting for the slowest rank's slots. A guard against a hang that nobody else sees; the progress
    /// lease of the supervisor is much shorter.
    /// </summary>
    public TimeSpan CollectiveDeadline { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Faults to bring about, in tests.</summary>
    public FaultPlan? Faults { get; init; }

    /// <summary>Elements of the pieces by which gradients are added up beside a backward pass; null: as many as are good. Few in tests.</summary>
    internal long? GradientPiece { get; init; }

    /// <summary>A device in place of the recipe's: in tests a CPU that stands in for a GPU.</summary>
    internal Device? StandIn { get; init; }

    /// <summary>Where the model computes and gradients are added up; null: in host memory, beside everything else. Makes a GPU the thread's current one.</summary>
    /// <exception cref="Files.BadInputException">There is no such device.</exception>
    internal Device? ComputeDevice() => StandIn ?? ComputeDevices.Of(Recipe.Parallel.Device, NodePlace);

    /// <summary>For the optimizer: one, or beside a GPU its share of the cores.</summary>
    internal HostThreads HostThreads() => StandIn is not null ? new HostThreads(3) : new HostThreads(ComputeDevices.HostThreads(Recipe.Parallel.Device));
}
