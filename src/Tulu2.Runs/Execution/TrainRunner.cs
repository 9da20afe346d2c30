using System.Globalization;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Runs;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.WorkQueues;
using Tulu2.Runs.Events;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;
using Tulu2.Training.Workers;

namespace Tulu2.Runs.Execution;

/// <summary>Runs one recipe to its end in a run directory: prepare, train under the actors, export, report.</summary>
internal sealed class TrainRunner(IRunOutput output, LocalNode node, RankHosting hosting)
{
    private const string NothingDone = " before its first step; nothing is on disk";

    /// <summary>How long another process that works on the run may take to end.</summary>
    public TimeSpan OthersPatience { get; init; }

    /// <summary>The command that began the run, as a person types it; with --resume behind it it goes on. Null: the run is a part of something that cannot.</summary>
    public string? Command { get; init; }

    /// <summary><c>key=value</c>: what is changed in a run that goes on.</summary>
    public IReadOnlyList<string> Changes { get; init; } = [];

    /// <param name="title">Name of the run in progress and report.</param>
    /// <exception cref="Files.BadInputException">What the user gave cannot be used.</exception>
    /// <exception cref="RunStoppedException">Stopped on demand, after a whole step and its checkpoint.</exception>
    public async Task<TrainResult> RunAsync(string title, LoadedRecipe loaded, RunDirectory directory, ResumeMode mode, CancellationToken cancellation)
    {
        var resumes = RunBeginning.Opens(directory, mode, Changes);
        output.LogFile = directory.Log;
        try
        {
            return await output.ShowAsync(title, report => RunAsync(title, loaded, directory, resumes, report, cancellation));
        }
        catch (OperationCanceledException stopped) when (stopped is not RunStoppedException)
        {
            throw Stopped(title, directory, directory.HasRun ? "; what it has committed is on disk" : NothingDone);
        }
        finally
        {
            directory.Abandon();
        }
    }

    private async Task<TrainResult> RunAsync(
        string title, LoadedRecipe loaded, RunDirectory directory, bool resumes, Action<ProgressSnapshot> report, CancellationToken cancellation)
    {
        await RunLock.WaitAsync(directory.Ledger, OthersPatience, output.Say, cancellation);
        var beginning = await Task.Run(() => resumes ? RunBeginning.Resume(loaded, directory, Changes, output.Say) : RunBeginning.New(loaded), cancellation)
            .WaitAsync(cancellation);
        using var run = await Interruptible(() => RunPreparation.Prepare(beginning.Loaded, report, output.Say, beginning.Changes), cancellation);
        foreach (var sentence in RecipeEffects.Missing(run.Recipe, run.Counts)) output.Say($"warning: {sentence}");
        beginning.Check(run, directory, Command);
        run.Remembered.Write(directory);
        if (run.Data.LeftOut().ToList() is { Count: > 0 } leftOut) AtomicFile.WriteAllText(directory.LeftOut, string.Join("\n", leftOut) + "\n");
        var notes = RunNotes.Of(title, run);
        notes.Write(directory);
        foreach (var line in RunBanner.Lines(title, run, hosting, directory)) output.Say(line);
        var store = new CheckpointStore(directory.Checkpoints);

        RunOutcome outcome;
        IReadOnlyCollection<StepRecord> steps;
        using (var metrics = MetricsLog.Open(directory.Metrics, output.Say))
        using (var board = new TensorBoardWriter(directory.TensorBoard, TimeProvider.System))
        {
            var observer = new RunObserver(title, directory, beginning.Start, run.Batches.TotalSteps, metrics, board, report, output.Say);
            var host = await node.StartAsync(cancellation);
            await using var nodes = hosting is RankHosting.Nodes { Count: > 0 } local
                ? LocalCluster.Start(host, local.Count, local.RanksPerNode, directory.Log, output.Say, host.EndRun)
                : null;
            // The running step and its checkpoint come to their end, however long they take.
            using var held = output.StopSignal?.Hold();
            await using var stopping = cancellation.Register(() => output.Say(
                $"{title}: stopping after this step and its checkpoint{(output.StopSignal?.Name is { } signal ? $" ({signal}); a second signal ends it at once" : "")}"));
            outcome = await new RunHost(host).RunAsync(Plan(run, directory, store, beginning.Start), observer, cancellation);
            steps = metrics.Lines;
        }
        if (outcome.End == RunEnd.Failed)
        {
            // What failed may have been no more than the first to notice.
            directory.CheckPresent();
            ReportMaker.Try(output, NoReport(directory), () => ReportMaker.Make(directory));
            throw Failed(outcome.Failure!, run.Recipe);
        }
        if (outcome.End == RunEnd.Cancelled)
        {
            ReportMaker.Try(output, NoReport(directory), () => ReportMaker.Make(directory));
            throw Stopped(title, directory, outcome.ManifestPath is null ? NothingDone : $" after step {outcome.Steps}, which is on disk");
        }
        directory.CheckPresent();
        var parameters = await Task.Run(() => Export(run, store, outcome, directory), cancellation).WaitAsync(cancellation);
        await Task.Run(() => MakeReport(title, run, directory, notes, cancellation), cancellation);
        return new TrainResult(directory.Root, outcome.Steps, steps.FirstOrDefault()?.Loss, steps.LastOrDefault()?.Loss,
            steps.Sum(step => step.Tokens) / Math.Max(1e-9, steps.Sum(step => step.Seconds)), parameters);
    }

    private RunStoppedException Stopped(string title, RunDirectory directory, string where) => new(
        $"{title}: stopped{(output.StopSignal?.Name is { } signal ? $" by {signal}" : "")}{where}",
        Command is null ? "start it again" : directory.HasRun ? $"`{Command} --resume` goes on from there" : $"`{Command}` begins it again");

    // Preparing never looks whether it is to end: it is left to itself then, and what it comes to is let go.
    private static async Task<T> Interruptible<T>(Func<T> prepare, CancellationToken cancellation) where T : IDisposable
    {
        var work = Task.Run(prepare, cancellation);
        try
        {
            return await work.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            _ = work.ContinueWith(done => done.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            throw;
        }
    }

    private static string Export(PreparedRun run, CheckpointStore store, RunOutcome outcome, RunDirectory directory)
    {
        var manifest = store.Read(outcome.ManifestPath!);
        ModelExport.FromCheckpoint(store, manifest, run.Model, run.Recipe, ModelExport.TypeOf(run.Recipe.Precision), directory.FinalExport);
        // A run that was resumed at its end did no step that would have told.
        return outcome.ParametersSha256 ?? ModelExport.ParametersSha256(store, manifest, run.Model.Config);
    }

    // A fix that can be run as it is.
    private Exception Failed(RunFailure failure, Recipe recipe) => (failure.BadInputFix == NonFiniteStepException.StepFix && Command is not null
        ? failure with
        {
            BadInputFix = $"`{Command} --resume --change optimizer.learning_rate={(recipe.Optimizer.LearningRate / 10).ToString("G6", CultureInfo.InvariantCulture)}` goes on from the last checkpoint with a tenth of the rate; "
                + "if it is the first step, look at the data and the initial weights",
        }
        : failure).ToException();

    private RunPlan Plan(PreparedRun run, RunDirectory directory, CheckpointStore store, RunStart start) => new()
    {
        RunDirectory = directory.Root,
        Layout = run.Parallel,
        Workers = hosting switch
        {
            RankHosting.Threads => RunWorkers.Threads(run, directory),
            RankHosting.Processes => RunWorkers.Processes(run, run.Parallel, directory, RunWorkers.NewKey(), RunWorkers.Loopback),
            _ => null,
        },
        ClusterKey = hosting is RankHosting.Nodes ? RunWorkers.NewKey() : null,
        Batches = run.Batches,
        Checkpoints = new StoredCheckpoints(store),
        TotalSteps = run.Batches.TotalSteps,
        CheckpointEvery = run.Recipe.Checkpoint.Every,
        CheckpointKeep = run.Recipe.Checkpoint.Keep,
        Lease = ProgressLease.Of(TimeSpan.FromSeconds(run.Recipe.Parallel.Patience)),
        Start = start,
        Reference = run.Reference,
        RecipeHash = run.RecipeHash,
        BegunWith = run.Hashes[0],
        Changes = [.. run.Changes.Select((change, index) => new PlannedChange(change.After, [.. change.Keys.Select(key => $"{key}")], run.Hashes[index + 1]))],
        RecipeText = run.Remembered.Text,
        VirtualShards = run.Layout.VirtualShards,
        Facts = TrainingFacts.Gather(TimeProvider.System.GetUtcNow()),
        StoppedBy = () => output.StopSignal?.Name,
    };

    // The run is done and exported: what a report cannot show is said, and fails nothing.
    private void MakeReport(string title, PreparedRun run, RunDirectory directory, ReportNotes notes, CancellationToken cancellation)
    {
        ReportMaker.Try(output, "the report has no samples",
            () => notes = notes with { Samples = SampleTexts.Of(title, directory.FinalExport, run.Recipe, run.Model.Config.ParameterCount, cancellation) });
        ReportMaker.Try(output, NoReport(directory), () =>
        {
            notes.Write(directory);
            ReportMaker.Make(directory);
        });
    }

    private static string NoReport(RunDirectory directory) => $"there is no report; `tulu2 report {directory.Root}` tries again";
}
