using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Evaluations;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;
using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>The run that is simulated.</summary>
/// <param name="Nodes">By node: the places that it offers.</param>
/// <param name="CheckpointEvery">0: only after the last step.</param>
/// <param name="Keep">Checkpoints that are kept.</param>
internal sealed record RunShape(ParallelLayout Layout, int Slots, int Steps, IReadOnlyList<int> Nodes, int CheckpointEvery, int Keep, bool Standby)
{
    /// <summary>Null: the run does not validate.</summary>
    public ValidationRules? Validation { get; init; }
    public int Chunks { get; init; } = 4;

    /// <summary>Null: no checkpoint is scored.</summary>
    public EvaluationSchedule? Evaluation { get; init; }
    public int Evaluators { get; init; } = 2;

    /// <summary>Replicas with which the run goes on where others are missing; null: it waits for all.</summary>
    public int? Fewest { get; init; }

    /// <inheritdoc cref="SyncRules.CheckEvery"/>
    public int CheckEvery { get; init; }

    /// <param name="data">Replicas that it was scaled to; null: it never was.</param>
    public SyncRules RulesFor(int? data) => new(Layout.WithData(data ?? Layout.Data), Slots, new StepNumber(Steps), CheckpointEvery)
    {
        Validation = Validation,
        Standby = Standby,
        CheckEvery = CheckEvery,
        FewestReplicas = Fewest ?? int.MaxValue,
    };

    public override string ToString() =>
        $"layout {Layout}, {Slots} slots, {Steps} steps, nodes {string.Join("+", Nodes)}, checkpoint every {CheckpointEvery} keep {Keep}, standby {Standby}, {(CheckEvery > 0 ? $"slots checked every {CheckEvery}, " : "")}{(Fewest is { } fewest ? $"at least {fewest} replicas, " : "")}"
        + $"validation {(Validation is { } rules ? $"every {rules.Every}" : "off")}, evaluation {(Evaluation is null ? "off" : "on")}";
}

/// <summary>How long things take.</summary>
internal sealed record Times
{
    public TimeSpan Slot { get; init; } = TimeSpan.FromMilliseconds(40);
    public TimeSpan Reduce { get; init; } = TimeSpan.FromMilliseconds(8);
    public TimeSpan Copy { get; init; } = TimeSpan.FromMilliseconds(30);
    public TimeSpan Load { get; init; } = TimeSpan.FromMilliseconds(400);
    public TimeSpan Start { get; init; } = TimeSpan.FromMilliseconds(900);

    /// <summary>Of a worker where a spare is ready.</summary>
    public TimeSpan TakeOver { get; init; } = TimeSpan.FromMilliseconds(40);
    public TimeSpan Shard { get; init; } = TimeSpan.FromMilliseconds(200);
    public TimeSpan Manifest { get; init; } = TimeSpan.FromMilliseconds(30);
    public TimeSpan LedgerWrite { get; init; } = TimeSpan.FromMilliseconds(0.3);
    public TimeSpan LedgerFlush { get; init; } = TimeSpan.FromMilliseconds(15);
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Nothing takes longer or shorter than this.</summary>
    public bool IsExact { get; init; }

    /// <summary>Of the coordinator, for each message that it takes.</summary>
    public TimeSpan Decide { get; init; }
}

/// <summary>What all parts of a simulated run share.</summary>
internal sealed record World(EventLoop Loop, RunShape Shape, Times Times, Network Network, DataPlane Plane, RunDisk Disk, Arithmetic Arithmetic, Invariants Invariants, Mutation Mutation)
{
    /// <summary>A point of the protocol has been reached: something may go wrong here.</summary>
    public Action<string> At { get; set; } = _ => { };

    /// <summary>Who coordinates now, and who is there.</summary>
    public CoordinatorModel? Coordinator { get; set; }
    public List<NodeModel> Nodes { get; } = [];

    /// <summary>The run has ended: what it came to.</summary>
    public SyncEffect? End { get; set; }
    public bool IsOver { get; set; }

    /// <summary>Null: nobody counts what the coordinator sends and takes.</summary>
    public ControlMeter? Meter { get; set; }

    public TimeSpan About(TimeSpan time) => Times.IsExact ? time : Loop.Between(time / 2, time * 1.5);
}
