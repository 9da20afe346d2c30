using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Hosting;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;

namespace Tulu2.Runs.Execution;

/// <summary>The evaluation of one model on one benchmark.</summary>
/// <param name="Name">Column in the table: <c>untrained</c>, <c>sft</c>, <c>dpo</c>.</param>
/// <param name="Model">Hugging Face directory.</param>
/// <param name="File">Input of the benchmark.</param>
internal sealed record EvaluationJob(string Name, IBenchmark Benchmark, string Model, DataFile File);

/// <summary>How evaluations are executed.</summary>
/// <param name="Evaluators">Number of parallel evaluators.</param>
/// <param name="InProcess">Evaluators are threads of this process instead of separate processes.</param>
internal sealed record EvaluationSettings(int Evaluators, bool InProcess, BenchmarkOptions Options);

/// <summary>Scores models on benchmarks, distributed by the actors.</summary>
internal sealed class EvaluationRunner(IRunOutput output, LocalNode node)
{
    // Large enough to fill a batch of generation, small enough to spread over evaluators.
    private const int ItemsPerTask = 64;

    /// <summary>Executes all jobs with the same evaluators.</summary>
    /// <param name="title">Title of the progress display.</param>
    /// <param name="ledger">Directory of the ledger that records the outcomes; null: none.</param>
    /// <param name="table">Receives the outcomes.</param>
    /// <returns>[jobs] the plans that were executed.</returns>
    public Task<IReadOnlyList<EvaluationPlan>> RunAsync(
        string title, IReadOnlyList<EvaluationJob> jobs, EvaluationSettings settings, string? ledger, EvaluationTable table, CancellationToken cancellation) =>
        output.ShowAsync<IReadOnlyList<EvaluationPlan>>(title, async report =>
        {
            var plans = jobs.Select(job => Plan(job, settings.Options)).ToList();
            var work = plans.SelectMany(plan => plan.Tasks).ToList();
            var owners = jobs.Zip(plans).SelectMany(pair => pair.Second.Tasks.Select(_ => pair.First)).ToList();
            var factory = EvaluatorPrograms.Factory(settings.InProcess, new EvaluatorSettings(ItemsPerTask, settings.Options), output.LogFile);
            var observer = new Observer(title, plans.Sum(plan => plan.Items), report, output.Say);
            var outcomes = await new EvaluationHost(await node.StartAsync(cancellation)).RunAsync(
                work, settings.Evaluators, factory, observer, ledger, cancellation);
            foreach (var (job, outcome) in owners.Zip(outcomes)) table.Add(job.Name, job.Benchmark, outcome);
            return plans;
        });

    private EvaluationPlan Plan(EvaluationJob job, BenchmarkOptions options)
    {
        var prompts = LoadedModel.ReadPrompts(job.Model);
        var plan = EvaluationPlan.Of(job.Benchmark, new BenchmarkInput(job.File.Path, options, prompts.Chat) { Rows = job.File, Prompts = prompts }, job.Model, ItemsPerTask);
        foreach (var remark in plan.Remarks) output.Say(remark);
        foreach (var line in RowFaultLines.Of(plan.LeftOut, "left out: ")) output.Say(line);
        return plan;
    }

    private sealed class Observer(string title, int items, Action<ProgressSnapshot> report, Action<string> say) : IEvaluationObserver
    {
        private int _done;

        public void TaskDone(EvaluationOutcome outcome, int done, int total)
        {
            _done += outcome.Items;
            report(new ProgressSnapshot(_done, items));
        }

        public void EvaluatorRestarted(int evaluator, string reason) => say($"{title}: evaluator {evaluator} was restarted: {reason}");
    }
}
