using System.Collections.Immutable;
using Akka.Actor;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Wire;
using Tulu2.Evaluation.Tasks;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Runs;

/// <summary>Around the coordinator, within its node.</summary>
internal static class RunProtocol
{
    /// <summary>Begin a run; <paramref name="Outcome"/> is completed when nothing of it is left.</summary>
    public sealed record StartRun(RunPlan Plan, LedgerFile Ledger, IRunObserver Observer, TaskCompletionSource<RunOutcome> Outcome)
        : INoSerializationVerificationNeeded;

    /// <summary>Finish the step and stop.</summary>
    public sealed record StopRun : INoSerializationVerificationNeeded
    {
        public static StopRun Instance { get; } = new();
    }

    /// <summary>Run to coordinator: nothing of it is left.</summary>
    public sealed record RunOver(RunProgress? Progress) : INoSerializationVerificationNeeded;

    /// <summary>Coordinator to run: tell <paramref name="To"/> how far you are, for the sender.</summary>
    public sealed record TellProgress(IActorRef To) : INoSerializationVerificationNeeded;

    public sealed record StartEvaluations(
        IReadOnlyList<EvaluationTask> Tasks, int Evaluators, IEvaluatorFactory Factory, IEvaluationObserver? Observer, LedgerFile? Ledger,
        TaskCompletionSource<IReadOnlyList<EvaluationOutcome>> Outcomes, CancellationToken Cancellation) : INoSerializationVerificationNeeded;

    /// <summary>Supervisor to coordinator: something happened that the run's record or its observer should know.</summary>
    public sealed record Happened(SyncEffect Effect) : INoSerializationVerificationNeeded;

    public sealed record ReferenceProgress(int Done, int Total) : INoSerializationVerificationNeeded;

    public sealed record CheckpointWritten(int Step, string Path, double Seconds) : INoSerializationVerificationNeeded;

    public sealed record CheckpointFailed(int Step, string Error) : INoSerializationVerificationNeeded;

    /// <summary>Something below, maybe on another node, cannot go on: the run ends with this.</summary>
    public sealed record Fatal(RunFailure Failure) : IWireMessage;

    /// <summary>Coordinator to supervisor: the end is decided elsewhere; commit nothing more.</summary>
    public sealed record Halt : INoSerializationVerificationNeeded
    {
        public static Halt Instance { get; } = new();
    }

    /// <summary>Placement to coordinator: the run waits for so many more places on nodes.</summary>
    public sealed record WaitingForPlaces(int Missing) : INoSerializationVerificationNeeded;

    /// <summary>Placement to coordinator: a node was given these ranks.</summary>
    public sealed record Placed(string Node, ImmutableArray<int> Ranks) : INoSerializationVerificationNeeded;

    /// <summary>Coordinator to the agent of its own node: all ranks are here.</summary>
    public sealed record StartRanks(NodePlan Plan, IActorRef GradientSync, IActorRef Checkpoints) : INoSerializationVerificationNeeded;

    /// <summary>Coordinator to its node agent or to the placement, which passes it on to all agents.</summary>
    public sealed record StopRanks : IWireMessage
    {
        public static StopRanks Instance { get; } = new();
    }

    /// <summary>The answer: no worker of the run is left.</summary>
    public sealed record RanksStopped : IWireMessage
    {
        public static RanksStopped Instance { get; } = new();
    }

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
