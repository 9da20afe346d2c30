using Akka.Actor;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Submissions;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Runs;

/// <summary>The cluster's one coordinator (a singleton): starts runs, one at a time, and evaluations, and passes on submissions of other processes.</summary>
/// <param name="service">Executes submitted runs; null: none are taken.</param>
internal sealed class RunCoordinator(IActorRef node, IRunService? service = null) : UntypedActor
{
    private IActorRef? _run;
    private IActorRef? _submitted;

    // A child that throws cannot be restarted without its state: the run ends with the cause, in order, for which the children continue.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        _run?.Tell(new RunProtocol.Fatal(RunFailure.Of(cause)));
        return Directive.Resume;
    });

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case CoordinatorProtocol.StartRun start when _run is null:
                _run = Context.ActorOf(Props.Create(() => new RunLife(start, node)), RunLife.NewName());
                break;
            case CoordinatorProtocol.StartRun start:
                start.Ledger.Dispose();
                start.Outcome.TrySetException(new InvalidOperationException("another run is under way on this host"));
                break;
            case CoordinatorProtocol.RunOver over:
                _run = null;
                _submitted?.Tell(new SubmittedRuns.Note(over.Progress));
                break;
            case RunProtocol.StopRun or RunProtocol.Fatal or RunProtocol.Scale:
                _run?.Forward(message);
                break;
            case EvaluationProtocol.IFromEvaluator said when _run is null:
                // Nobody wants it any more: what was written to the run directory counts when the run is resumed.
                if (said is EvaluationProtocol.IReport) Sender.Tell(new EvaluationProtocol.Taken(said.Number));
                break;
            case EvaluationProtocol.IFromEvaluator:
                _run.Forward(message);
                break;
            case EvaluationControl.StartEvaluations start:
                Context.ActorOf(Props.Create(() => new EvaluationQueue(start, node)), $"evaluations-{Guid.NewGuid():N}");
                break;
            case SubmissionProtocol.AskStatus when service is not null:
                if (_run is { } run) run.Forward(new CoordinatorProtocol.TellProgress(Submitted(service)));
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
