using Tulu2.Cluster.Evaluations;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;

namespace Tulu2.Runs.Execution;

/// <summary>The evaluation of one model on one file.</summary>
/// <param name="Name">Column in the table: <c>untrained</c>, <c>sft</c>, <c>dpo</c>.</param>
internal sealed record EvaluationJob(string Name, string Kind, string Model, string File)
{
    public EvaluationLimits Limits { get; init; } = new();
}

/// <summary>Evaluates models on row files, distributed by the actors.</summary>
internal sealed class EvaluationRunner(IRunOutput output, LocalNode node)
{
    // Large enough to fill a batch of generation, small enough to spread over evaluators.
    private const int RowsPerTask = 64;

    /// <param name="ledger">Directory of the ledger that records the outcomes; null: none.</param>
    /// <param name="table">Receives the outcomes.</param>
    /// <returns>The plan that was executed.</returns>
    public Task<EvaluationPlan> RunAsync(EvaluationJob job, int evaluators, string? ledger, EvaluationTable table, CancellationToken cancellation) =>
        output.ShowAsync($"eval {job.Name} {job.Kind}", async report =>
        {
            var plan = EvaluationPlan.Tasks(job.Kind, job.File, job.Model, RowsPerTask, job.Limits, RowRoom.Of(job.Model));
            foreach (var remark in plan.Remarks) output.Say(remark);
            foreach (var line in RowFaultLines.Of(plan.LeftOut, "left out: ")) output.Say(line);
            var observer = new Observer(job.Name, plan.Work.Sum(task => task.Count), report, output.Say);
            var outcomes = await new EvaluationHost(await node.StartAsync(cancellation)).RunAsync(
                plan.Work, Math.Clamp(evaluators, 1, plan.Work.Count), new EvaluatorFactory(RowsPerTask, job.Limits), observer, ledger, cancellation);
            foreach (var outcome in outcomes) table.Add(job.Name, job.Kind, outcome);
            return plan;
        });

    private sealed class Observer(string name, int rows, Action<ProgressSnapshot> report, Action<string> say) : IEvaluationObserver
    {
        private int _items;

        public void TaskDone(EvaluationOutcome outcome, int done, int total)
        {
            _items += outcome.Items;
            report(new ProgressSnapshot(_items, rows));
        }

        public void EvaluatorRestarted(int evaluator, string reason) => say($"{name}: evaluator {evaluator} was restarted: {reason}");
    }
}
