using Akka.Actor;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Submissions;
using Tulu2.Protocol.Outcomes;

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
            case RunProtocol.RunOver over:
                _run = null;
                _submitted?.Tell(new SubmittedRuns.Note(over.Progress));
                break;
            case RunProtocol.StopRun or RunProtocol.Fatal:
                _run?.Forward(message);
                break;
            case RunProtocol.StartEvaluations start:
                Context.ActorOf(Props.Create(() => new EvaluationQueue(start, node)), $"evaluations-{Guid.NewGuid():N}");
                break;
            case SubmissionProtocol.AskStatus when service is not null:
                if (_run is { } run) run.Forward(new RunProtocol.TellProgress(Submitted(service)));
                else Submitted(service).Forward(new SubmittedRuns.Describe(null));
                break;
            case SubmissionProtocol.IRequest when service is not null:
                Submitted(service).Forward(message);
                break;
        }
    }

    private IActorRef Submitted(IRunService runs)
    {
        var address = $"{Akka.Cluster.Cluster.Get(Context.System).SelfAddress}";
        return _submitted ??= Context.ActorOf(Props.Create(() => new SubmittedRuns(runs, address)), "submitted");
    }
}
