using Akka.Actor;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Ledger;
using Tulu2.Evaluation.Tasks;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Hosting;

/// <summary>Distributes evaluation tasks to evaluators under the actors of a host.</summary>
public sealed class EvaluationHost(ActorHost host)
{
    /// <summary>
    /// Does every task; each has exactly one accepted outcome, however many evaluators die on the way.
    /// </summary>
    /// <param name="evaluators">Number of evaluators.</param>
    /// <param name="ledgerDirectory">The <c>ledger/</c> of the run the outcomes belong to, which must not be running; null: they are not recorded.</param>
    /// <returns>Outcomes in the order of the tasks.</returns>
    /// <exception cref="Files.BadInputException">A task names something that cannot be used.</exception>
    /// <exception cref="RunFailedException">A task failed on every attempt.</exception>
    public async Task<IReadOnlyList<EvaluationOutcome>> RunAsync(
        IReadOnlyList<EvaluationTask> tasks, int evaluators, IEvaluatorFactory factory,
            IEvaluationObserver? observer, string? ledgerDirectory, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(evaluators, 1);
        await host.EvaluationTurn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var ledger = ledgerDirectory is null ? null : LedgerFile.Open(ledgerDirectory);
            var outcomes = new TaskCompletionSource<IReadOnlyList<EvaluationOutcome>>(TaskCreationOptions.RunContinuationsAsynchronously);
            host.Coordinator.Tell(
                new EvaluationControl.StartEvaluations(tasks, Math.Min(evaluators, Math.Max(1, tasks.Count)),
                    factory, observer, ledger, outcomes, cancellation), ActorRefs.NoSender);
            return await host.UnlessTerminatedAsync(outcomes.Task).ConfigureAwait(false);
        }
        finally
        {
            host.EvaluationTurn.Release();
        }
    }
}
