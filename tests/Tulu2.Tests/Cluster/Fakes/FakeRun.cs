using System.Collections.Concurrent;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Runs;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Tests.Cluster.Fakes;

/// <summary>Manifests in memory; a manifest's path is its step.</summary>
internal sealed class FakeCheckpoints : ICheckpointWriter
{
    public ConcurrentQueue<Manifest> Manifests { get; } = new();
    public Func<Manifest, Exception?> Fault { get; set; } = _ => null;
    public int Prunes { get; private set; }

    public string Write(Manifest manifest)
    {
        if (Fault(manifest) is { } fault) throw fault;
        Manifests.Enqueue(manifest);
        return $"{manifest.Step}";
    }

    public int Sweeps { get; private set; }

    public void Prune(int keep) => Prunes++;

    public void Sweep() => Sweeps++;
}

/// <summary>Remembers everything it hears.</summary>
internal sealed class FakeObserver : IRunObserver
{
    public ConcurrentQueue<RunPhase> Phases { get; } = new();
    public ConcurrentQueue<CommittedStep> Steps { get; } = new();
    public ConcurrentQueue<int> Checkpoints { get; } = new();
    public ConcurrentQueue<(int Step, string Error)> CheckpointErrors { get; } = new();
    public ConcurrentQueue<(int Rank, string Reason)> Restarts { get; } = new();
    public ConcurrentQueue<(int Done, int Total)> Reference { get; } = new();
    public ConcurrentQueue<string> Lost { get; } = new();
    public ConcurrentQueue<PlannedChange> Changes { get; } = new();
    public Action<CommittedStep> OnStep { get; set; } = _ => { };

    public void PhaseChanged(RunPhase phase) => Phases.Enqueue(phase);
    public void ReferenceProgress(int done, int total) => Reference.Enqueue((done, total));

    public void StepCommitted(CommittedStep step)
    {
        Steps.Enqueue(step);
        OnStep(step);
    }

    public void CheckpointWritten(int step, string manifestPath, double seconds) => Checkpoints.Enqueue(step);
    public void CheckpointFailed(int step, string error) => CheckpointErrors.Enqueue((step, error));
    public void HistoryLost(string what) => Lost.Enqueue(what);
    public void RecipeChanged(PlannedChange change, bool decidesBits) => Changes.Enqueue(change);
    public void RankRestarted(int rank, string reason) => Restarts.Enqueue((rank, reason));
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

    public void Dispose() => _directory.Delete(recursive: true);
}
