using Tulu2.Cli.Shell;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Hosting;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Cli.Evaluations;

/// <summary>Evaluates a model on a row file under the actors.</summary>
internal sealed class EvaluationRunner(Terminal terminal, ActorHost host, IEvaluatorFactory factory)
{
    /// <param name="ledger">The <c>ledger/</c> that records the outcomes; null: none.</param>
    public Task<EvaluationSummary> RunAsync(
        string title, string kind, string model, string file, int rows, int evaluators, string? ledger, CancellationToken cancellation) =>
        ProgressDisplay.RunAsync(terminal, title, async report =>
        {
            var tasks = EvaluationWork.Tasks(kind, model, file, rows);
            var observer = new Observer(title, rows, report, terminal.Say);
            return EvaluationSummary.Of(await new EvaluationHost(host).RunAsync(tasks, Math.Min(evaluators, tasks.Count), factory, observer, ledger, cancellation));
        });

    private sealed class Observer(string title, int rows, Action<ProgressSnapshot> report, Action<string> say) : IEvaluationObserver
    {
        private int _items;

        public void TaskDone(EvaluationOutcome outcome, int done, int total)
        {
            _items += outcome.Items;
            report(new ProgressSnapshot(done == total ? rows : Math.Min(_items, rows), rows));
        }

        public void EvaluatorRestarted(int evaluator, string reason) => say($"{title}: evaluator {evaluator} was restarted: {reason}");
    }
}
