using Akka.Actor;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Submissions;

namespace Tulu2.Cluster.Runs;

/// <summary>The one in the cluster: takes runs, one at a time, evaluations, and what other processes submit.</summary>
/// <param name="service">Does the runs that other processes submit; null: none are taken.</param>
internal sealed class RunCoordinator(IActorRef node, IRunService? service = null) : UntypedActor
{
    private IActorRef? _run;
    private IActorRef? _submitted;

    // One of these that throws can neither be trusted nor begin again without its state: the run ends with the cause, in order, for which they go on.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        _run?.Tell(new RunProtocol.Fatal(RunFailure.Of(cause)));
        return Directive.Resume;
    });

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RunProtocol.StartRun start when _run is null:
                _run = Context.ActorOf(Props.Create(() => new RunLife(start, node)), RunLife.NewName());
                break;
            case RunProtocol.StartRun start:
                start.Ledger.Dispose();
                start.Outcome.TrySetException(new InvalidOperationException("another run is under way on this host"));
                break;
            case RunProtocol.RunOver:
                _run = null;
                break;
            case RunProtocol.StopRun or RunProtocol.Fatal:
                _run?.Forward(message);
                break;
            case RunProtocol.StartEvaluations start:
                Context.ActorOf(Props.Create(() => new EvaluationQueue(start, node)), $"evaluations-{Guid.NewGuid():N}");
                break;
            case SubmissionProtocol.Submit or SubmissionProtocol.Cancel when service is not null:
                (_submitted ??= Context.ActorOf(Props.Create(() => new SubmittedRuns(service)), "submitted")).Forward(message);
                break;
        }
    }
}
