using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Ranks;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Runs;

/// <summary>A run as the actors execute it: the recipe as numbers and objects.</summary>
public sealed record RunPlan
{
    /// <summary>The run's directory; <c>ledger/</c> and <c>events.jsonl</c> in it are written here.</summary>
    public required string RunDirectory { get; init; }

    /// <summary>Layout of the ranks, each with a worker of its own.</summary>
    public required ParallelLayout Layout { get; init; }

    /// <summary>Replicas with which the run goes on while others have no workers.</summary>
    public int FewestReplicas { get; init; } = int.MaxValue;

    /// <summary>Calls back with the number of replicas that the run is to have, whenever that is another one; null: it keeps those of its layout.</summary>
    public Func<Action<int>, IDisposable>? Scaling { get; init; }

    /// <summary>Ranks without twins keep standby copies of one another's state.</summary>
    public bool Standby { get; init; }

    /// <summary>An earlier coordinator of the run may have died while it ran: the time since counts as the run's.</summary>
    public bool TakesOver { get; init; }

    /// <summary>Starts the workers where all are on this node; disposing one must end its thread or process and free what it holds.</summary>
    public IWorkerFactory? Workers { get; init; }

    /// <summary>Set instead of <see cref="Workers"/>: the ranks go to the nodes of the cluster, and this is the key of their data plane.</summary>
    public byte[]? ClusterKey { get; init; }

    /// <summary>What the ranks take of the memory of the cluster's nodes; null: unknown.</summary>
    public PlacedMemory? Memory { get; init; }

    /// <summary>Which slots each step has, and their batches.</summary>
    public required IBatchPlan Batches { get; init; }

    /// <summary>Where manifests are written, e.g. <see cref="StoredCheckpoints"/>.</summary>
    public required ICheckpointWriter Checkpoints { get; init; }

    /// <summary>The last step; normally <see cref="IBatchPlan.TotalSteps"/>.</summary>
    public required int TotalSteps { get; init; }

    /// <summary>Steps between checkpoints; 0: only the last step's.</summary>
    public int CheckpointEvery { get; init; } = 100;

    /// <summary>Newest checkpoints kept.</summary>
    public int CheckpointKeep { get; init; } = 3;

    /// <summary>A checkpoint that is not written within this time is given up.</summary>
    public TimeSpan CheckpointDeadline { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The second place of the checkpoints; null: there is none.</summary>
    public ICheckpointMirror? Mirror { get; init; }

    /// <summary>Time that the end of the run waits at most for the last copy.</summary>
    public TimeSpan MirrorPatience { get; init; } = TimeSpan.FromMinutes(10);

    public RunStart Start { get; init; } = new RunStart.FromRecipe();

    /// <summary>The reference pass of DPO, done before the first step; null for SFT.</summary>
    public IReferencePlan? Reference { get; init; }

    /// <summary>The validation data and rules; null: the run does not validate.</summary>
    public IValidationPlan? Validation { get; init; }

    /// <summary>Validations of an earlier life by step, where the ledger may have lost them.</summary>
    public IReadOnlyDictionary<int, NamedValues> Validated { get; init; } = new Dictionary<int, NamedValues>();

    /// <summary>How the run's checkpoints are scored; null: they are not.</summary>
    public PoolPlan? Evaluation { get; init; }

    /// <summary>Hash of the parts of the recipe that decide the bits; goes into every manifest and the ledger.</summary>
    public required string RecipeHash { get; init; }

    /// <summary>Changes of the recipe in the middle of the run, in order; the last one's hash is <see cref="RecipeHash"/>.</summary>
    public IReadOnlyList<PlannedChange> Changes { get; init; } = [];

    /// <summary>Recipe hash at the start of the run; null: it was never changed.</summary>
    public string? BegunWith { get; init; }

    /// <summary>The recipe as the run directory keeps it; goes into every manifest.</summary>
    public string? RecipeText { get; init; }

    /// <summary>V, part of the numerics; goes into every manifest.</summary>
    public required int VirtualShards { get; init; }

    /// <summary>Free text facts for people (host, versions, CPU type), for the manifests and the ledger.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new Dictionary<string, string>();

    /// <summary>Returns what stopped the run, such as a signal, for the ledger; null: unknown.</summary>
    public Func<string?>? StoppedBy { get; init; }

    /// <summary>Decides when a silent rank counts as hung.</summary>
    public ProgressLease Lease { get; init; } = ProgressLease.Default;

    /// <summary>Times that one rank may be lost without a step in between; one more, and the run fails with its cause.</summary>
    public int MostLosses { get; init; } = 5;

    /// <summary>A step that is not finite is committed and changes nothing, in place of ending the run.</summary>
    public bool SkipsNonFinite { get; init; }

    /// <summary>A slot that ends its workers is left out of its step, in place of ending the run.</summary>
    public bool QuarantinesSlots { get; init; }

    /// <inheritdoc cref="SyncRules.RollsBackNonFinite"/>
    public bool RollsBackNonFinite { get; init; }

    /// <inheritdoc cref="SyncRules.Spike"/>
    public SpikeRule? Spike { get; init; }

    /// <inheritdoc cref="SyncRules.RollbackSteps"/>
    public int RollbackSteps { get; init; } = 1;

    /// <inheritdoc cref="SyncRules.CheckEvery"/>
    public int CheckEvery { get; init; }

    /// <summary>Generations that lose a worker with the same slot under way until it is left out, or ends the run.</summary>
    public int MostDeaths { get; init; } = 3;

    /// <summary>Names a row (or pair) of <see cref="Batches"/> for people: file and line; null: by its number alone.</summary>
    public Func<int, string>? LocationOf { get; init; }

    /// <summary>Batches read ahead for each rank.</summary>
    public int Prefetch { get; init; } = 4;

    /// <summary>The rows (or pairs) of a slot for people.</summary>
    internal string RowsOf(StepNumber step, SlotNumber slot)
    {
        var rows = Batches.Sequences(step, slot).ToArray();
        return $"rows {string.Join(", ", rows.Select(row => LocationOf is null ? $"{row}" : $"{row} ({LocationOf(row)})"))}";
    }

    internal IReadOnlyList<int> SamplesOf(StepNumber step, SlotNumber slot) => Batches.Sequences(step, slot).ToArray();

    /// <summary>The validations that are known of the run.</summary>
    internal ValidationHistory History(LedgerState known)
    {
        var history = ValidationHistory.Empty;
        if (Validation is not { Rules.Metric: var metric }) return history;
        foreach (var (step, values) in Validated)
            if (values.Find(metric) is { } value) history = history.With(new StepNumber(step), value);
        foreach (var (step, values) in known.Validations)
            if (values.TryGetValue(metric, out var value)) history = history.With(step, value);
        return history;
    }

    /// <summary>A run that starts from this step has nothing left to do.</summary>
    internal bool IsOver(StepNumber step, LedgerState known)
    {
        if (Validation is not { Rules: var rules }) return step >= TotalSteps;
        var history = History(known);
        return history.Has(step) && (step >= TotalSteps || history.At(step, rules).Stops);
    }
}

/// <param name="After">Steps after this one are made by the changed recipe.</param>
/// <param name="Keys">Changed keys, one text each.</param>
/// <param name="RecipeHash">Recipe hash from then on.</param>
public sealed record PlannedChange(StepNumber After, IReadOnlyList<string> Keys, string RecipeHash);

/// <summary>State that a run starts from.</summary>
public abstract record RunStart
{
    private RunStart() { }

    /// <summary>Initial weights, step 1 first.</summary>
    public sealed record FromRecipe : RunStart;

    /// <summary>The state of a checkpoint; step <paramref name="Step"/> + 1 first.</summary>
    public sealed record FromManifest(string Path, StepNumber Step) : RunStart;
}
