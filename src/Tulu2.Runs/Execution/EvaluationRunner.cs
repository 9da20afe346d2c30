using System.Threading.Channels;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Hosting;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;

namespace Tulu2.Runs.Execution;

/// <summary>The evaluation of one model on one benchmark.</summary>
/// <param name="Name">Column in the table: <c>untrained</c>, <c>sft</c>, <c>dpo</c>.</param>
/// <param name="Model">Hugging Face directory.</param>
/// <param name="File">Input of the benchmark.</param>
internal sealed record EvaluationJob(string Name, IBenchmark Benchmark, string Model, DataFile File)
{
    /// <summary>Has the items that are scored already, and takes the others as they come; null: all are scored, and kept in memory only.</summary>
    public ItemJournal? Journal { get; init; }
}

/// <summary>How evaluations are executed.</summary>
/// <param name="Evaluators">Number of parallel evaluators.</param>
/// <param name="InProcess">Evaluators are threads of this process instead of separate processes.</param>
internal sealed record EvaluationSettings(int Evaluators, bool InProcess, BenchmarkOptions Options)
{
    /// <summary>Who judges, whether programs may run without isolation; see <see cref="EvaluatorSettings"/>.</summary>
    public EvaluatorSettings Evaluator { get; init; } = EvaluatorSettings.Default;
}

/// <summary>A job that is done.</summary>
/// <param name="Plan">What was left to do, and what was left out.</param>
/// <param name="Scores">[items] all of them, in order.</param>
internal sealed record EvaluatedJob(EvaluationJob Job, EvaluationPlan Plan, IReadOnlyList<ItemScore> Scores)
{
    /// <summary>What the judges did for the items that were scored now.</summary>
    public IReadOnlyList<JudgeUse> Judges { get; init; } = [];

    /// <summary>The scores as one outcome.</summary>
    public EvaluationOutcome Outcome => new($"{Job.Benchmark.Name}:{Job.Name}:{Job.Model}:{Job.File.Path}", Scores);
}

/// <summary>Scores models on benchmarks, distributed by the actors.</summary>
internal sealed class EvaluationRunner(IRunOutput output, LocalNode node)
{
    // Large enough to fill a batch of generation, small enough to spread over evaluators, and to lose little where all of them are killed.
    private const int ItemsPerTask = 32;

    /// <summary>Executes all jobs with the same evaluators.</summary>
    /// <param name="title">Title of the progress display.</param>
    /// <param name="ledger">Directory of the ledger that records the outcomes; null: none.</param>
    /// <param name="done">Called with each job as soon as its last item is scored, on a thread of its own.</param>
    /// <returns>[jobs].</returns>
    public Task<IReadOnlyList<EvaluatedJob>> RunAsync(string title, IReadOnlyList<EvaluationJob> jobs, EvaluationSettings settings, string? ledger,
        CancellationToken cancellation, Action<EvaluatedJob>? done = null) =>
        output.ShowAsync<IReadOnlyList<EvaluatedJob>>(title, async report =>
        {
            var progress = jobs.Select(job => new JobProgress(job, Plan(job, settings.Options), done)).ToList();
            var owners = progress.SelectMany(job => job.Plan.Tasks.Select(task => (task, job))).ToDictionary(pair => pair.task.Id, pair => pair);
            foreach (var job in progress) job.FinishIfComplete();
            var factory = EvaluatorPrograms.Factory(
                settings.InProcess, settings.Evaluator with { MaxBatch = ItemsPerTask, Options = settings.Options }, output.LogFile);
            var accepted = Channel.CreateUnbounded<EvaluationOutcome>(new UnboundedChannelOptions { SingleReader = true });
            var observer = new Observer(title, owners.Values.Sum(pair => pair.task.Count), report, output.Say, accepted.Writer);
            var host = await node.StartAsync(cancellation);
            using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            // Actors do not wait for the disk.
            var keeping = Task.Run(() => KeepAsync(accepted.Reader, owners, failed), CancellationToken.None);
            try
            {
                await new EvaluationHost(host).RunAsync([.. owners.Values.Select(pair => pair.task)], settings.Evaluators, factory, observer, ledger, failed.Token);
            }
            finally
            {
                accepted.Writer.Complete();
                await keeping;
            }
            return [.. progress.Select(job => job.Finished!)];
        });

    private static async Task KeepAsync(
        ChannelReader<EvaluationOutcome> accepted, Dictionary<string, (EvaluationTask Task, JobProgress Job)> owners, CancellationTokenSource failed)
    {
        try
        {
            await foreach (var outcome in accepted.ReadAllAsync(CancellationToken.None)) owners[outcome.TaskId].Job.Add(owners[outcome.TaskId].Task, outcome);
        }
        catch
        {
            await failed.CancelAsync();
            throw;
        }
    }

    private EvaluationPlan Plan(EvaluationJob job, BenchmarkOptions options)
    {
        var prompts = LoadedModel.ReadPrompts(job.Model);
        var input = new BenchmarkInput(job.File.Path, options, prompts.Chat) { Rows = job.File, Prompts = prompts };
        var plan = EvaluationPlan.Of(job.Benchmark, input, job.Model, ItemsPerTask, job.Journal is { } journal ? journal.Scores.ContainsKey : null);
        foreach (var remark in plan.Remarks) output.Say(remark);
        foreach (var line in RowFaultLines.Of(plan.LeftOut, "left out: ")) output.Say(line);
        return plan;
    }

    /// <summary>The items of one job that are scored; used by one thread at a time.</summary>
    private sealed class JobProgress(EvaluationJob job, EvaluationPlan plan, Action<EvaluatedJob>? done)
    {
        private readonly SortedDictionary<int, ItemScore> _scores = new(job.Journal?.Scores.ToDictionary() ?? []);

        private readonly List<JudgeUse> _judges = [];

        public EvaluationPlan Plan => plan;

        public EvaluatedJob? Finished { get; private set; }

        public void Add(EvaluationTask task, EvaluationOutcome outcome)
        {
            var scored = outcome.Scores.Select((score, index) => (task.First + index, score)).ToList();
            job.Journal?.Append(scored);
            foreach (var (index, score) in scored) _scores.TryAdd(index, score);
            _judges.AddRange(outcome.Judges);
            FinishIfComplete();
        }

        public void FinishIfComplete()
        {
            if (_scores.Count < plan.AllItems) return;
            Finished = new EvaluatedJob(job, plan, [.. _scores.Values]) { Judges = JudgeUse.Sum(_judges) };
            done?.Invoke(Finished);
        }
    }

    private sealed class Observer(string title, int items, Action<ProgressSnapshot> report, Action<string> say, ChannelWriter<EvaluationOutcome> accepted)
        : IEvaluationObserver
    {
        private int _done;

        public void TaskDone(EvaluationOutcome outcome, int done, int total)
        {
            accepted.TryWrite(outcome);
            _done += outcome.Items;
            report(new ProgressSnapshot(_done, items));
        }

        public void EvaluatorRestarted(int evaluator, string reason) => say($"{title}: evaluator {evaluator} was restarted: {reason}");
    }
}
