using Akka.Actor;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Submissions;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Runs;

/// <summary>To and from the coordinator, within its node.</summary>
internal static class CoordinatorProtocol
{
    /// <summary>Start a run; <paramref name="Outcome"/> is completed when nothing of it is left.</summary>
    public sealed record StartRun(RunPlan Plan, LedgerFile Ledger, IRunEventSubscriber Subscriber, TaskCompletionSource<RunOutcome> Outcome)
        : INoSerializationVerificationNeeded;

    /// <summary>Run to coordinator: nothing of it is left.</summary>
    public sealed record RunOver(RunProgress? Progress) : INoSerializationVerificationNeeded;

    /// <summary>Coordinator to run: send your progress to <paramref name="To"/>, on behalf of the sender.</summary>
    public sealed record TellProgress(IActorRef To) : INoSerializationVerificationNeeded;
}
