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

    /// <summary>Evaluation queue or pool to node agent.</summary>
    public sealed record StartEvaluators(int Count, IEvaluatorSource Source, IActorRef Queue) : INoSerializationVerificationNeeded;

    /// <summary>Evaluation queue or pool to node agent.</summary>
    public sealed record StopEvaluators : INoSerializationVerificationNeeded
    {
        public static StopEvaluators Instance { get; } = new();
    }

    /// <summary>Node agent to evaluation queue or pool: none of its evaluators is left.</summary>
    public sealed record EvaluatorsStopped : INoSerializationVerificationNeeded
    {
        public static EvaluatorsStopped Instance { get; } = new();
    }

    /// <summary>Run to its pool: there is a checkpoint of this step.</summary>
    public sealed record HasCheckpoint(int Step) : INoSerializationVerificationNeeded;

    /// <summary>Run to its pool: the last checkpoint is that of <paramref name="Step"/>; do what is left and answer <see cref="PoolClosed"/>.</summary>
    public sealed record FinishPool(int Step) : INoSerializationVerificationNeeded;

    /// <summary>Run to its pool: leave what is left, and answer <see cref="PoolClosed"/>.</summary>
    public sealed record ClosePool : INoSerializationVerificationNeeded
    {
        public static ClosePool Instance { get; } = new();
    }

    /// <summary>Pool to its run: nothing of it is left but its actor.</summary>
    public sealed record PoolClosed : INoSerializationVerificationNeeded
    {
        public static PoolClosed Instance { get; } = new();
    }
}
