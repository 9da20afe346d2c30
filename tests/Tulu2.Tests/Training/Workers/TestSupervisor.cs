using System.Collections.Immutable;
using Tulu2.Checkpoints;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Driving;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Hosting;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Workers;

/// <summary>A run of worker threads without actors, whose parameters can be looked at when it is over.</summary>
internal sealed class TestSupervisor : IWorkerFactory, IDisposable
{
    private const int Restarts = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly WorkerSettings _settings;
    private readonly ParallelLayout _layout;
    private readonly SlotComputerOf _computerOf;
    private readonly IReadOnlyList<StateBlock>?[] _states;
    private readonly Dictionary<(Generation Generation, StepNumber Step), StepMetrics> _ready = [];
    private DriverLoop? _run;

    public TestSupervisor(WorkerSettings settings, int ranks, SlotComputerOf? computerOf = null) : this(settings, new ParallelLayout(ranks), computerOf)
    {
    }

    public TestSupervisor(WorkerSettings settings, ParallelLayout layout, SlotComputerOf? computerOf = null)
    {
        // A data plane remembers the generations it has seen; every supervisor here counts from 1.
        _settings = settings with { DataPlane = new InProcessDataPlane(), Parallel = layout, StateMade = (rank, state) => _states![rank] = state };
        (_layout, _states) = (layout, new IReadOnlyList<StateBlock>?[layout.Size]);
        _computerOf = computerOf ?? EmbeddedWorkerFactory.ComputerOf(_settings);
    }

    /// <summary>Metrics of every step of the run, in order; a step done again comes once.</summary>
    public SortedDictionary<int, (StepMetrics Metrics, string Hash)> Steps { get; } = [];
    public List<WorkerReport.Failed> Failures { get; } = [];
    public int SlotsComputed { get; private set; }

    /// <summary>What the run validates on, when, and how it is measured; null: it does not validate.</summary>
    public (ValidationRules Rules, OnePassPlan Plan, ValidationMeasure Measure)? Validation { get; init; }

    /// <summary>Ranks without twins have standby copies.</summary>
    public bool Standby { get; init; }

    /// <summary>Steps that changed nothing, and why.</summary>
    public SortedDictionary<int, StepFault> Skipped { get; } = [];

    /// <summary>Generations that lose a worker with the same slot under way until it is judged. Faults that are drawn may meet a slot as often.</summary>
    public int MostDeaths { get; init; } = int.MaxValue;

    /// <inheritdoc cref="SyncRules.CheckEvery"/>
    public int CheckEvery { get; init; }

    /// <inheritdoc cref="SyncRules.Spike"/>
    public SpikeRule? Spike { get; init; }

    /// <inheritdoc cref="SyncRules.RollbackSteps"/>
    public int RollbackSteps { get; init; } = 1;

    /// <summary>What was undone.</summary>
    public List<Rollback> Rollbacks { get; } = [];

    /// <summary>What each worker of a rank computes with; null: as the others.</summary>
    public Func<Rank, SlotComputerOf?> ComputerOf { get; init; } = _ => null;

    /// <summary>The check of each step that had one.</summary>
    public SortedDictionary<int, SlotCheck> Checks { get; } = [];

    public List<string> Warnings { get; } = [];

    /// <summary>Slots that were left out since they ended their workers.</summary>
    public List<StepSlot> Quarantined { get; } = [];

    /// <summary>Commands to load a checkpoint or the recipe's weights.</summary>
    public int Loads { get; private set; }

    /// <summary>The values of every validation, by step.</summary>
    public SortedDictionary<int, NamedValues> Validations { get; } = [];

    /// <summary>The last step; before that of the plan where the run's patience ended.</summary>
    public int LastStep { get; private set; }

    /// <summary>The checkpoint of the last step, where the run was to write one.</summary>
    public KnownManifest? Checkpoint { get; private set; }

    /// <param name="until">The last step.</param>
    /// <param name="checkpoint">Write one of the last step.</param>
    /// <param name="commitTo">Ranks that get the commit of a step before another supervisor takes over; null: all.</param>
    /// <returns>The parameters' hash: that of each rank that holds everything, or that of all ranks' parts put together.</returns>
    public string Run(int until, KnownManifest? start = null, bool checkpoint = false, Func<StepNumber, IReadOnlyCollection<Rank>?>? commitTo = null)
    {
        _run = new DriverLoop(Plan(until) with
        {
            Start = start,
            WriteManifest = checkpoint ? WriteManifest : null,
            CommitTo = commitTo ?? (_ => null),
        }, this, Patience);
        var finished = _run.Finish();
        if (Validation is null) Assert.Equal(until, finished.Step);
        Assert.False(finished.Cancelled);
        LastStep = finished.Step;
        if (checkpoint) Checkpoint = new KnownManifest(finished.ManifestPath!, finished.Step);
        if (_layout is { ReplicaSize: 1, Zero: 1 }) return finished.ParametersSha256!;
        Assert.Null(finished.ParametersSha256);
        // Ranks that have said what they applied wait for commands: nobody writes what is read here.
        return AssembledState.ParametersSha256(_settings.Parameters.Trained, _states.OfType<IReadOnlyList<StateBlock>>());
    }

    /// <summary>The reference pass of these batches.</summary>
    public float[][] Score(params IReadOnlyList<SlotBatch> batches)
    {
        var scores = new float[batches.Count][];
        using var pass = new DriverLoop(Plan(_settings.Plan.TotalSteps) with { Reference = batches, Scored = (chunk, values) => scores[chunk] = values }, this, Patience);
        pass.Score();
        return scores;
    }

    /// <summary>After a run: what all ranks hold together.</summary>
    public IReadOnlyList<(string Name, float[] Values)> Parameters() => AssembledState.Parameters(_settings.Parameters.Trained, _states.OfType<IReadOnlyList<StateBlock>>());

    public IWorker Start(Rank rank, Action<WorkerReport> report)
    {
        _states[rank] = null;
        return new EmbeddedWorkerFactory(_settings, ComputerOf(rank) ?? _computerOf).Start(rank, report);
    }

    public void Dispose() => _run?.Dispose();

    private DriverPlan Plan(int lastStep) => new(
        new SyncRules(_layout, _settings.Plan.SlotsPerStep, new StepNumber(lastStep), CheckpointEvery: 0)
        {
            Validation = Validation?.Rules,
            Standby = Standby,
            QuarantinesSlots = _settings.Recipe.OnPoisonedSlot == OnPoisonedSlot.Quarantine,
            MostDeaths = MostDeaths,
            CheckEvery = CheckEvery,
            RollsBackNonFinite = _settings.Recipe.OnNonfinite == OnNonfinite.Rollback,
            Spike = Spike,
            RollbackSteps = RollbackSteps,
            SkipsNonFinite = _settings.Recipe.OnNonfinite == OnNonfinite.SkipStep,
        }, _settings.Plan)
    {
        Validation = Validation is { Plan: var plan } ? [.. Enumerable.Range(0, plan.SlotsPerStep).Select(slot => plan.Read(1, slot))] : [],
        Measure = Measure,
        Restarts = Restarts,
        Heard = Heard,
        Decided = Decided,
    };

    private double Measure(StepNumber step, IReadOnlyList<float[]> logProbabilities)
    {
        var (rules, _, measure) = Validation!.Value;
        return (Validations[step] = measure.Measure(logProbabilities))[rules.Metric];
    }

    private void Heard(RankReport report)
    {
        switch (report.Report)
        {
            case WorkerReport.Failed failed:
                Failures.Add(failed);
                break;
            case WorkerReport.SlotDone:
                SlotsComputed++;
                break;
            // Every rank has the same figures, to the last bit.
            case WorkerReport.StepReady ready when !_ready.TryAdd((ready.Generation, ready.Step), ready.Metrics):
                Assert.Equal(_ready[(ready.Generation, ready.Step)], ready.Metrics);
                break;
        }
    }

    private void Decided(SyncEffect effect)
    {
        if (effect is SyncEffect.Tell { Command: WorkerCommand.Begin { Transfer: not (StateTransfer.None or StateTransfer.FromPeer) } }) Loads++;
        if (effect is SyncEffect.RolledBack { Rollback: var rollback })
        {
            Rollbacks.Add(rollback);
            foreach (var undone in Steps.Keys.Where(undone => undone > rollback.To).ToList()) Steps.Remove(undone);
        }
        if (effect is SyncEffect.Warned { Text: var text }) Warnings.Add(text);
        if (effect is SyncEffect.Tell { Command: WorkerCommand.Begin { Check: { } first } begin }) Checks[begin.Step] = first;
        if (effect is SyncEffect.Tell { Command: WorkerCommand.Commit { CheckNext: { } next } commit }) Checks[commit.Step.Next()] = next;
        if (effect is SyncEffect.Quarantined { Slot: var slot }) Quarantined.Add(slot);
        if (effect is not SyncEffect.Committed { Step: var step }) return;
        // A step done again has the bits it had.
        if (Steps.TryGetValue(step.Step, out var before)) Assert.Equal(before, (step.Metrics, step.GradientHash));
        Steps[step.Step] = (step.Metrics, step.GradientHash);
        if (step.Skipped is { } fault) Skipped[step.Step] = fault;
    }

    private string WriteManifest(StepNumber step, ImmutableArray<ShardEntry> shards) => new CheckpointStore(_settings.CheckpointDirectory).WriteManifest(
        new Manifest(step, _settings.Parameters.VirtualShards, "recipe", [.. shards], new Dictionary<string, string>()));
}
