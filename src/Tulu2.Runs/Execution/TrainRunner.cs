using Tulu2.Checkpoints;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Runs;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Placement;
using Tulu2.Protocol.Workers;
using Tulu2.Runs.Evaluations;
using Tulu2.Runs.Events;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Execution;

/// <summary>Runs one recipe to its end in a run directory: prepare, train under the actors, export, report.</summary>
internal sealed class TrainRunner(IRunOutput output, LocalNode node, RankHosting hosting)
{
    /// <summary>Time that another process of the run may take to end.</summary>
    public TimeSpan OthersPatience { get; init; }

    /// <summary>The part of this process in a run that outlives it; null: the run ends with it.</summary>
    public LaunchedCoordinator? Launched { get; init; }

    /// <summary>An earlier process of the run may have died while it ran, and this one goes on in its place.</summary>
    public bool TakesOver { get; init; }

    /// <summary>The command that started the run, as a person types it; --resume after it continues the run. Null: the command cannot be resumed.</summary>
    public string? Command { get; init; }

    /// <summary><c>key=value</c>: changes of a resumed run.</summary>
    public IReadOnlyList<string> Changes { get; init; } = [];

    /// <summary>Memory of this machine, for the ranks that are here.</summary>
    public MachineMemory Machine { get; init; } = MemoryReader.Read();

    /// <summary>Start the run even where its ranks take more memory than there is.</summary>
    public bool IsForced { get; init; }

    /// <param name="title">Name of the run in progress and report.</param>
    /// <exception cref="BadInputException">The user's input cannot be used.</exception>
    /// <exception cref="RunStoppedException">Stopped on request, after a whole step and its checkpoint.</exception>
    public async Task<TrainResult> RunAsync(string title, LoadedRecipe loaded, RunDirectory directory, ResumeMode mode, CancellationToken cancellation)
    {
        using var ahead = Launched is { Role: CoordinatorRole.Spare } spare ? await PrepareAheadAsync(loaded, directory, spare.Turn, cancellation) : null;
        var resumes = RunBeginning.Opens(loaded.Recipe, directory, mode, Changes);
        output.LogFile = directory.Log;
        var endings = new RunEndings(title, Command, output.StopSignal);
        try
        {
            return await output.ShowAsync(title, report => RunAsync(title, loaded, directory, resumes, ahead, endings, report, cancellation));
        }
        catch (OperationCanceledException stopped) when (stopped is not RunStoppedException)
        {
            throw endings.Interrupted(directory);
        }
        finally
        {
            directory.Abandon();
        }
    }

    private async Task<TrainResult> RunAsync(
        string title, LoadedRecipe loaded, RunDirectory directory, bool resumes, PreparedRun? ahead, RunEndings endings, Action<ProgressSnapshot> report,
            CancellationToken cancellation)
    {
        // What an earlier process of the run has said already.
        Action<string> say = Launched is { Role: not CoordinatorRole.First } ? _ => { } : output.Say;
        await RunLock.WaitAsync(directory.Ledger, OthersPatience, output.Say, cancellation);
        var beginning = await Task.Run(() => resumes ? RunBeginning.Resume(loaded, directory, Changes, say) : RunBeginning.New(loaded), cancellation)
            .WaitAsync(cancellation);
        var fetched = await HubSources.FetchAsync(beginning.Loaded, beginning.Known?.Commits, report, say, cancellation);
        var memory = new MemoryCheck(hosting, Machine, IsForced, Command is null ? null : "--force", say);
        // A change of the recipe that came since would make it another run.
        var known = ahead?.Changes.Count == beginning.Changes.Count ? ahead : null;
        using var prepared = known is null ? await Interruptible(() => RunPreparation.Prepare(fetched, report, say, beginning.Changes, memory.BeforeData), cancellation) : null;
        var run = known ?? prepared!;
        foreach (var sentence in RecipeEffects.Missing(run.Recipe, run.Counts)) say($"warning: {sentence}");
        beginning.Check(run, directory, Command);
        var standby = StandbyChoice.Of(run, hosting, Machine.Bytes);
        await Task.Run(() => memory.BeforeStart(run, standby.Keeps), cancellation).WaitAsync(cancellation);
        var suite = await Task.Run(() => EvaluationSuite.Open(fetched.Loaded, run, RunProvenance.Of(run.Recipe), say), cancellation).WaitAsync(cancellation);
        var notes = WriteDown(title, run, directory);
        foreach (var line in RunBanner.Lines(title, run, suite, hosting, directory)) say(line);
        if (standby.Line is { } copies) say(copies);

        var store = RunCheckpoints.Open(directory, run.Recipe);
        var (outcome, steps, validations) = await TrainAsync(title, run, suite, beginning.Start, directory, store, standby.Keeps, memory, endings, report, cancellation);
        // The failure may be a consequence of a run directory that is gone.
        if (outcome.End != RunEnd.Cancelled) directory.CheckPresent();
        if (outcome.End != RunEnd.Completed)
        {
            ReportMaker.TryMake(output, directory);
            throw outcome.End == RunEnd.Failed ? endings.Failed(outcome.Failure!, run.Recipe) : endings.Cancelled(directory, outcome);
        }
        var parameters = await Task.Run(() => Export(run, store, outcome, directory), cancellation).WaitAsync(cancellation);
        var best = await Task.Run(() => BestModel.Evaluated(run, suite?.Metric, outcome.Steps, store, directory, output.Say)
            ?? BestModel.Find(run, validations, outcome.Steps, store, directory, output.Say), cancellation).WaitAsync(cancellation);
        await Task.Run(() => MakeReport(title, run, directory, notes, cancellation), cancellation);
        return new TrainResult(directory.Root, outcome.Steps, steps.FirstOrDefault()?.Loss, steps.LastOrDefault()?.Loss,
            steps.Sum(step => step.Tokens) / Math.Max(1e-9, steps.Sum(step => step.Seconds)), parameters)
        {
            Best = best,
            Goodput = RunTimes.Of(LedgerReader.ReadSound(directory.Ledger)).Times.Sum.Goodput,
        };
    }

    // All that does not depend on what the run does meanwhile; null: something is wrong with it, which is found again, and said, when it is this process's turn.
    private async Task<PreparedRun?> PrepareAheadAsync(LoadedRecipe loaded, RunDirectory directory, Task turn, CancellationToken cancellation)
    {
        PreparedRun? run = null;
        try
        {
            var beginning = await Task.Run(() => RunBeginning.Resume(loaded, directory, Changes, _ => { }), cancellation).WaitAsync(cancellation);
            var fetched = await HubSources.FetchAsync(beginning.Loaded, beginning.Known?.Commits, _ => { }, _ => { }, cancellation);
            run = await Interruptible(() => RunPreparation.Prepare(fetched, _ => { }, _ => { }, beginning.Changes), cancellation);
            await node.StartAsync(cancellation);
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            run?.Dispose();
            run = null;
        }
        await turn.WaitAsync(cancellation);
        return run;
    }

    // The files of a run that are written before its first step.
    private static ReportNotes WriteDown(string title, PreparedRun run, RunDirectory directory)
    {
        run.Remembered.Write(directory);
        if (run.LeftOut().ToList() is { Count: > 0 } leftOut) AtomicFile.WriteAllText(directory.LeftOut, string.Join("\n", leftOut) + "\n");
        var notes = RunNotes.Of(title, run);
        notes.Write(directory);
        return notes;
    }

    private async Task<(RunOutcome Outcome, IReadOnlyCollection<StepRecord> Steps, IReadOnlyCollection<ValidationRecord> Validations)> TrainAsync(
        string title, PreparedRun run, EvaluationSuite? suite, RunStart start, RunDirectory directory, CheckpointStore store, bool standby, MemoryCheck memory, RunEndings endings,
            Action<ProgressSnapshot> report, CancellationToken cancellation)
    {
        var (total, firstStep) = (run.Batches.TotalSteps, start is RunStart.FromManifest manifest ? manifest.Step : default);
        using var metrics = MetricsLog.Open(directory.Metrics, output.Say);
        using var validations = run.Validation is null ? null : ValidationLog.Open(directory.Validations, output.Say);
        using var board = new TensorBoardWriter(directory.TensorBoard, TimeProvider.System);
        var events = new RunEvents(
            new TensorBoardSubscriber(metrics, validations, board),
            new MetricsSubscriber(title, directory, firstStep, metrics, validations, output.Say),
            new ProgressSubscriber(title, total, report),
            new RemarkSubscriber(title, total, output.Say),
            new StallSubscriber(title, output.Say),
            new FirstStepSubscriber(() => Launched?.Mark()));
        var host = await node.StartAsync(cancellation);
        await using var nodes = hosting is RankHosting.Nodes { Count: > 0 } local
            ? LocalCluster.Start(host, local.Count, local.RanksPerNode, directory.Log, output.Say, host.EndRun)
            : null;
        // The running step and its checkpoint are completed, however long they take.
        using var held = output.StopSignal?.Hold();
        await using var stopping = cancellation.Register(() => output.Say(endings.Stopping));
        var plan = RunPlans.Of(run, directory, store, start, hosting, Known(validations, firstStep), standby, Launched?.Folder, () => output.StopSignal?.Name);
        plan = plan with { TakesOver = TakesOver || Launched is { Role: not CoordinatorRole.First } };
        if (plan.Layout != run.Parallel) output.Say($"scaled to {NumberText.Count(plan.Layout.Data, "replica")}, and so {NumberText.Count(plan.Layout.Size, "rank")} (tulu2 scale)");
        if (hosting is RankHosting.Nodes { Count: 0 }) plan = plan with { Memory = memory.OnNodes(run, standby) };
        // Evaluators find it there: none of them writes it while another reads.
        if (suite is not null && run.Recipe.Lora is not null) ModelExport.BaseOf(run.Model, run.Recipe, directory);
        using var scores = suite is null ? null : new RunEvaluations(directory, suite, run.HashAt);
        if (scores is not null) plan = plan with { Evaluation = RunPlans.Of(suite!, scores, run, directory, store, hosting, output.Say) };
        var outcome = await new RunHost(host).RunAsync(plan, events, cancellation);
        if (File.Exists(directory.DataPlaneKey)) File.Delete(directory.DataPlaneKey);
        return (outcome, metrics.Lines, validations?.Lines ?? []);
    }

    // Those of the steps after it are made again, and compared with the file.
    private static Dictionary<int, NamedValues> Known(StepLog<ValidationRecord>? validations, StepNumber until) =>
        (validations?.Lines ?? []).Where(validation => validation.Step <= until).ToDictionary(validation => validation.Step, validation => validation.Values);

    // Preparation does not observe cancellation: it is abandoned, and its result is disposed of.
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
        ModelExport.FromCheckpoint(store, manifest, run.Model, run.Recipe, directory, ModelExport.TypeOf(run.Recipe.Precision), directory.FinalExport);
        // A run that was resumed after its last step has no hash from its ranks.
        return outcome.ParametersSha256 ?? ModelExport.ParametersSha256(store, manifest, run.Parameters.Trained);
    }

    // Adapters need the model beside them.
    private static string Trained(PreparedRun run, RunDirectory directory) =>
        run.Recipe.Lora is null ? directory.FinalExport : new ModelFolders(ModelExport.BaseOf(run.Model, run.Recipe, directory), directory.FinalExport).Text;

    // The run is done and exported: a fault of the report is printed, and does not fail the run.
    private void MakeReport(string title, PreparedRun run, RunDirectory directory, ReportNotes notes, CancellationToken cancellation)
    {
        var evaluators = EvaluatorPrograms.Factory(hosting is RankHosting.Threads, EvaluatorSettings.Default, directory.Log);
        ReportMaker.Try(output, "the report has no samples", () => notes = notes with
        {
            Samples = SampleTexts.Of(title, Trained(run, directory), run.Recipe, run.Model.Config.ParameterCount, evaluators, cancellation),
        });
        ReportMaker.TryMake(output, directory, notes);
    }
}
