using System.Security.Cryptography;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Files.Certificates;
using Tulu2.Protocol.Workers;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Hosting;
using Tulu2.Training.Planning;
using Tulu2.Training.Workers;

namespace Tulu2.Runs.Launch;

/// <summary>Makes the workers of a prepared run: threads of this process, or separate processes.</summary>
internal static class RunWorkers
{
    /// <summary>Address of the data plane when all ranks are on one machine.</summary>
    public const string Loopback = "127.0.0.1";

    private const int KeyBytes = 32;

    /// <summary>
    /// The key of a run's data plane, which a file in the run directory keeps until the run ends: workers that outlive the process that coordinates them have it. Only this
    /// user may read the file.
    /// </summary>
    public static byte[] KeyOf(RunDirectory directory)
    {
        var path = directory.DataPlaneKey;
        var known = new byte[KeyBytes];
        if (File.Exists(path) && Convert.TryFromBase64String(File.ReadAllText(path), known, out var length) && length == KeyBytes) return known;
        var key = RandomNumberGenerator.GetBytes(KeyBytes);
        AtomicFile.WriteSecret(path, Convert.ToBase64String(key));
        return key;
    }

    public static IWorkerFactory Threads(PreparedRun run, RunDirectory directory)
    {
        LayoutRules.CheckThreads(run.Recipe.Parallel, (key, what, fix) => new BadInputException(key, what, fix));
        return new EmbeddedWorkerFactory(new WorkerSettings
        {
            Recipe = run.Recipe,
            Schedules = run.Schedules,
            Parameters = run.Parameters,
            Parallel = run.Parallel,
            Plan = run.Batches,
            Sources = run.Data.Sources(run.Recipe.Data),
            DataPlane = new InProcessDataPlane(),
            CheckpointDirectory = directory.Checkpoints,
            References = run.Reference is { } reference ? () => reference.Values : null,
        });
    }

    /// <param name="layout">Of one copy of model and optimizer state, of which the run may have any number.</param>
    /// <param name="address">Address at which the workers of other nodes reach this node.</param>
    /// <param name="identity">The certificates of the node; null: TLS is off.</param>
    /// <param name="adoption">Where a successor of this process finds the workers; null: they end with it.</param>
    public static IWorkerFactory Processes(PreparedRun run, ParallelLayout layout, RunDirectory directory, byte[] key, string address, AdoptionFolder? adoption,
        IdentityFiles? identity = null) => new ProcessWorkerFactory(
        WorkerEntry.Rank(adoption),
        new WorkerStart
        {
            Recipe = run.Recipe,
            Schedules = run.Schedules,
            Model = run.Model.Config,
            VirtualShards = run.Parameters.VirtualShards,
            Parallel = layout,
            CheckpointDirectory = directory.Checkpoints,
            Batches = BatchFacts.Of(run.Batches),
            Sources = run.Data.Sources(run.Recipe.Data),
            Reference = run.Reference?.File,
            Key = key,
            ListenAddress = address,
            Identity = identity,
        },
        directory.Log);
}
