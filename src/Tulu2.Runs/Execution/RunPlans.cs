using Tulu2.Checkpoints;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Runs;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Runs.Evaluations;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Execution;

/// <summary>Makes the plan that the actors execute from a prepared run.</summary>
internal static class RunPlans
{
    private const int KeyLength = 12;

    /// <param name="stoppedBy">Names the signal that stopped the run; for the ledger.</param>
    /// <param name="validated">Validations in the run directory, by step.</param>
    /// <param name="standby">Ranks without twins keep copies of one another's state.</param>
    /// <param name="adoption">Where a successor of this process finds the workers; null: they end with it.</param>
    public static RunPlan Of(PreparedRun run, RunDirectory directory, CheckpointStore store, RunStart start, RankHosting hosting,
        IReadOnlyDictionary<int, NamedValues> validated, bool standby, AdoptionFolder? adoption, Func<string?> stoppedBy) => new()
        {
            RunDirectory = directory.Root,
            Layout = run.Parallel.WithData(ScaleFile.DataOf(directory, run.Recipe.Parallel) ?? run.Parallel.Data),
            Standby = standby,
            FewestReplicas = run.Recipe.Parallel.MinData,
            Scaling = scaled => new ScaleWatch(directory, run.Recipe.Parallel, scaled, TimeProvider.System),
            Workers = hosting switch
            {
                RankHosting.Threads => RunWorkers.Threads(run, directory),
                RankHosting.Processes => RunWorkers.Processes(run, run.Parallel.OfOneCopy(), directory, RunWorkers.KeyOf(directory), RunWorkers.Loopback, adoption),
                _ => null,
            },
            ClusterKey = hosting is RankHosting.Nodes ? RunWorkers.KeyOf(directory) : null,
            Batches = run.Batches,
            Checkpoints = new StoredCheckpoints(store),
            TotalSteps = run.Batches.TotalSteps,
            CheckpointEvery = run.Recipe.Checkpoint.Every,
            CheckpointKeep = run.Recipe.Checkpoint.Keep,
            CheckpointDeadline = TimeSpan.FromSeconds(run.Recipe.Checkpoint.Deadline),
            Mirror = store.Mirror is null ? null : new StoredMirror(store),
            MirrorPatience = TimeSpan.FromSeconds(run.Recipe.Checkpoint.MirrorWait),
            Lease = ProgressLease.Of(TimeSpan.FromSeconds(run.Recipe.Parallel.Patience)),
            SkipsNonFinite = run.Recipe.OnNonfinite == OnNonfinite.SkipStep,
            QuarantinesSlots = run.Recipe.OnPoisonedSlot == OnPoisonedSlot.Quarantine,
            CheckEvery = run.Recipe.Verify.Slots,
            RollsBackNonFinite = run.Recipe.OnNonfinite == OnNonfinite.Rollback,
            Spike = run.Recipe.LossSpike is { Factor: > 0 } spike ? new SpikeRule(spike.Factor, spike.Window) : null,
            RollbackSteps = run.Recipe.Rollback,
            LocationOf = item => $"{run.Data.Location(item)}",
            Start = start,
            Reference = run.ReferencePass,
            Validation = run.Validation,
            Validated = validated,
            RecipeHash = run.RecipeHash,
            BegunWith = run.Hashes[0],
            Changes =
            [
                .. run.Changes.Select((change, index) =>
                    new PlannedChange(new StepNumber(change.After), [.. change.Keys.Select(key => $"{key}")], run.Hashes[index + 1])),
            ],
            RecipeText = run.Remembered.Text,
            VirtualShards = run.Parameters.VirtualShards,
            Facts = TrainingFacts.Gather(TimeProvider.System.GetUtcNow()),
            StoppedBy = stoppedBy,
        };

    /// <summary>How the actors score the run's checkpoints.</summary>
    /// <param name="say">Takes what the user should know of earlier sessions.</param>
    public static PoolPlan Of(EvaluationSuite suite, RunEvaluations record, PreparedRun run, RunDirectory directory, CheckpointStore store, RankHosting hosting,
        Action<string> say) => new()
        {
            Schedule = suite.Schedule,
            Benchmarks = suite.Benchmarks.ToDictionary(benchmark => benchmark.Key, benchmark => new PoolBenchmark(benchmark.Value.File, benchmark.Value.Items)
            {
                IsTimed = benchmark.Value.Benchmark.RunsPrograms,
            }),
            Settings = suite.Settings,
            Metric = suite.Metric,
            KeepsBest = suite.Recipe.KeepBest,
            Record = record,
            Known = record.Open(store, say),
            ModelOf = step => CheckpointName.Of(store.ManifestPathOf(step)),
            OutcomeFolder = record.OutcomeFolder,
            Key = run.RecipeHash[..KeyLength],
            // On a cluster that was there before, nodes with the role evaluator have them.
            Evaluators = hosting is RankHosting.Nodes { Count: 0 } ? 0 : suite.Recipe.Evaluators,
            Hosting = new CheckpointEvaluators(directory.Log),
        };
}
