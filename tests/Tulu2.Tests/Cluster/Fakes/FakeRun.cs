using System.Collections.Concurrent;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Runs;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Tests.Cluster.Fakes;

/// <summary>Manifests in memory; a manifest's path is its step.</summary>
internal sealed class FakeCheckpoints : ICheckpointWriter
{
    public ConcurrentQueue<Manifest> Manifests { get; } = new();
    public Func<Manifest, Exception?> Fault { get; set; } = _ => null;
    public int Prunes { get; private set; }

    /// <summary>The step that the last pruning was to keep beside the newest; of several the last.</summary>
    public int? Best => Besides.Count == 0 ? null : Besides.Last();

    /// <summary>The steps that the last pruning was to keep beside the newest.</summary>
    public IReadOnlyCollection<int> Besides => AllBesides.LastOrDefault() ?? [];

    /// <summary>Those of each pruning.</summary>
    public ConcurrentQueue<IReadOnlyCollection<int>> AllBesides { get; } = new();

    public string Write(Manifest manifest)
    {
        if (Fault(manifest) is { } fault) throw fault;
        Manifests.Enqueue(manifest);
        return $"{manifest.Step}";
    }

    public int Sweeps { get; private set; }

    public string Place => "checkpoints";

    /// <summary>What is found when a checkpoint is read back.</summary>
    public Func<Manifest, IReadOnlyList<string>> Faults { get; set; } = _ => [];

    /// <summary>Steps whose manifests were deleted as damaged.</summary>
    public ConcurrentQueue<int> Discarded { get; } = new();

    /// <summary>What the storage says when it is tried.</summary>
    public Func<Exception?> ProbeFault { get; set; } = () => null;

    public IReadOnlyList<string> Verify(Manifest manifest) => Faults(manifest);

    public void Discard(int step) => Discarded.Enqueue(step);

    public KnownManifest? DiscardAfter(StepNumber step)
    {
        Manifest[] left = [.. Manifests.Where(manifest => manifest.Step <= step)];
        Manifests.Clear();
        foreach (var manifest in left) Manifests.Enqueue(manifest);
        return left is [.., var newest] ? new KnownManifest($"{newest.Step}", new StepNumber(newest.Step)) : null;
    }

    public void Probe(long bytes)
    {
        if (ProbeFault() is { } fault) throw fault;
    }

    public void Prune(int keep, IReadOnlyCollection<int> besides)
    {
        Prunes++;
        AllBesides.Enqueue(besides);
    }

    public void Sweep() => Sweeps++;
}

/// <summary>Records the events of its runs.</summary>
internal sealed class FakeObserver : IRunEventSubscriber
{
    public ConcurrentQueue<RunEvent> Events { get; } = new();
    public IEnumerable<RunPhase> Phases => Of<RunEvent.PhaseChanged>().Select(changed => changed.Phase);
    public IEnumerable<StepCommit> Steps => Of<RunEvent.StepCommitted>().Select(committed => committed.Step);
    public IEnumerable<int> Checkpoints => Of<RunEvent.CheckpointWritten>().Select(written => written.Step.Value);
    public IEnumerable<(int Step, string Error)> CheckpointErrors => Of<RunEvent.CheckpointFailed>().Select(failed => (failed.Step.Value, failed.Why));
    public IEnumerable<(int Rank, string Reason)> Restarts => Of<RunEvent.RankLost>().Select(lost => (lost.Rank.Value, lost.Why));
    public IEnumerable<(int Done, int Total)> Reference => Of<RunEvent.ReferenceProgressed>().Select(pass => (pass.Done, pass.Total));
    public IEnumerable<string> Lost => Of<RunEvent.HistoryLost>().Select(lost => lost.Text);
    public IEnumerable<RunEvent.RecipeChanged> Changes => Of<RunEvent.RecipeChanged>();
    public Action<StepCommit> OnStep { get; set; } = _ => { };

    /// <summary>Set when a run is asked to stop.</summary>
    public ManualResetEventSlim IsStopping { get; } = new();

    public void Handle(RunEvent happened)
    {
        Events.Enqueue(happened);
        if (happened is RunEvent.StepCommitted committed) OnStep(committed.Step);
        if (happened is RunEvent.StopRequested) IsStopping.Set();
    }

    public IEnumerable<T> Of<T>() where T : RunEvent => Events.OfType<T>();
}

/// <summary>A run of fake workers in a directory of its own.</summary>
internal sealed class FakeRun : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tulu2-cluster-");

    public FakeRun(int slots, int steps)
    {
        Cluster = new FakeCluster(slots, steps);
        Plan = new FakePlan(slots, steps);
    }

    public FakeCluster Cluster { get; }
    public FakePlan Plan { get; }
    public FakeCheckpoints Checkpoints { get; } = new();
    public FakeObserver Observer { get; } = new();
    public string RunDirectory => _directory.FullName;
    public string Ledger => Path.Combine(RunDirectory, "ledger");

    public RunPlan PlanOf(int ranks, int every = 0, RunStart? start = null) => new()
    {
        RunDirectory = RunDirectory,
        Layout = new ParallelLayout(ranks),
        Workers = Cluster,
        Batches = Plan,
        Checkpoints = Checkpoints,
        TotalSteps = Plan.TotalSteps,
        CheckpointEvery = every,
        Start = start ?? new RunStart.FromRecipe(),
        RecipeHash = "recipe",
        VirtualShards = 4,
        Lease = new ProgressLease(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(60), 8),
    };

    /// <summary>No step's data are there before the checkpoint that is due before it is: fake steps are quicker than the disk.</summary>
    public void WaitForCheckpoints(int every) => Plan.Fault = (step, _) =>
    {
        var due = (step - 1) / every * every;
        return due == 0 || SpinWait.SpinUntil(() => Checkpoints.Manifests.Any(manifest => manifest.Step == due), TimeSpan.FromSeconds(60))
            ? null
            : new TimeoutException($"there is no checkpoint of step {due}");
    };

    public void Dispose() => _directory.Delete(recursive: true);
}
