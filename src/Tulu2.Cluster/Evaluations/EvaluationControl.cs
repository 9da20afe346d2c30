using Akka.Actor;
using Tulu2.Cluster.Ledger;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Cluster.Evaluations;

/// <summary>Messages that start and stop evaluations, within one node.</summary>
internal static class EvaluationControl
{
    /// <summary>To the coordinator: <paramref name="Outcomes"/> is completed when every task is done, or the evaluation has failed.</summary>
    public sealed record StartEvaluations(
        IReadOnlyList<EvaluationTask> Tasks, int Evaluators, IEvaluatorFactory Factory, IEvaluationObserver? Observer, LedgerFile? Ledger,
        TaskCompletionSource<IReadOnlyList<EvaluationOutcome>> Outcomes, CancellationToken Cancellation) : INoSerializationVerificationNeeded;

    /// <summary>Evaluation queue to node agent.</summary>
    public sealed record StartEvaluators(int Count, IEvaluatorFactory Factory, IActorRef Queue) : INoSerializationVerificationNeeded;

    /// <summary>Evaluation queue to node agent.</summary>
    public sealed record StopEvaluators : INoSerializationVerificationNeeded
    {
        public static StopEvaluators Instance { get; } = new();
    }

    /// <summary>Node agent to evaluation queue: no evaluator is left.</summary>
    public sealed record EvaluatorsStopped : INoSerializationVerificationNeeded
    {
        public static EvaluatorsStopped Instance { get; } = new();
    }
}
