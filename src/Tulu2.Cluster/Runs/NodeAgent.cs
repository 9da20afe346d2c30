using Akka.Actor;
using Tulu2.Cluster.Delivery;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.GradientSync;
using Tulu2.Cluster.Nodes;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Runs;

/// <summary>
/// Starts, watches and ends what works on this node: the ranks of a run, with their data loader and checkpointer, and evaluators. Ranks are given to it by
/// the coordinator on this node, or by the placement of a coordinator anywhere in the cluster.
/// </summary>
/// <param name="places">How many ranks it takes from other nodes; null: none.</param>
internal sealed class NodeAgent(NodePlaces? places) : UntypedActor
{
    public const string Name = "node";

    private Queue<(NodeProtocol.TakeRanks Take, IActorRef Placement)> _waiting = [];
    private NodeRanks? _ranks;
    private bool _preparing;
    private IActorRef? _preparingFor;   // null too where it has stopped its run, or died, meanwhile
    private IActorRef? _evaluators;
    private IActorRef? _queue;

    private sealed record Prepared(NodeProtocol.TakeRanks Take, IActorRef Placement, NodePlan? Plan, RunFailure? Failure) : INoSerializationVerificationNeeded;

    // What fails here by itself is not a rank: the run ends with it, and the rest goes on until it is told to stop.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        _ranks?.Run.Tell(new RunProtocol.Fatal(RunFailure.Of(cause)));
        return Directive.Resume;
    });

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RunProtocol.StartRanks start:
                _ranks = new NodeRanks(Context, start.Plan, Sender, Sender, start.GradientSync, start.Checkpoints);
                _ranks.Start(0, [.. Enumerable.Range(0, start.Plan.Layout.Size)]);
                break;
            case NodeProtocol.Invite when places is not null:
                Sender.Tell(new NodeProtocol.Places(places.Count));
                break;
            case NodeProtocol.TakeRanks take when places is not null:
                // Should the coordinator die, nobody can use the ranks.
                Context.Watch(Sender);
                _waiting.Enqueue((take, Sender));
                TakeNext();
                break;
            case Prepared prepared:
                _preparing = false;
                // Workers of a run that is over would never be told to end.
                if (prepared.Placement.Equals(_preparingFor)) Begin(prepared);
                else prepared.Plan?.Owned?.Dispose();
                _preparingFor = null;
                TakeNext();
                break;
            case RunProtocol.StopRanks:
                Stop(Sender);
                break;
            case Terminated ended when _ranks?.Ended(ended.ActorRef) == true:
                _ranks = null;
                TakeNext();
                break;
            case RunProtocol.StartEvaluators start:
                _evaluators = Context.Watch(Context.ActorOf(Props.Create(() => new Evaluators(start.Count, start.Factory, start.Queue)), "evaluators"));
                break;
            case RunProtocol.StopEvaluators:
                _queue = Sender;
                if (_evaluators is null) Sender.Tell(RunProtocol.EvaluatorsStopped.Instance);
                else _evaluators.Tell(Evaluators.Stop.Instance);
                break;
            case Terminated ended when ended.ActorRef.Equals(_evaluators):
                _evaluators = null;
                _queue?.Tell(RunProtocol.EvaluatorsStopped.Instance);
                break;
            case Terminated ended:
                Forget(ended.ActorRef);
                if (_ranks?.Placement.Equals(ended.ActorRef) == true) _ranks.Stop(ActorRefs.Nobody);
                break;
        }
    }

    private void Stop(IActorRef asker)
    {
        Forget(asker);
        if (_ranks is { } ranks && ranks.Placement.Equals(asker)) ranks.Stop(asker);
        else Couriers.To(Context.System, asker).Tell(RunProtocol.RanksStopped.Instance);
    }

    // What it asked for and has not yet is not wanted any more.
    private void Forget(IActorRef placement)
    {
        _waiting = new(_waiting.Where(waiting => !waiting.Placement.Equals(placement)));
        if (placement.Equals(_preparingFor)) _preparingFor = null;
    }

    private void TakeNext()
    {
        if (_preparing || !_waiting.TryPeek(out var next)) return;
        if (_ranks is { } ranks)
        {
            // Ranks of another life of the run, or of another run, have to be gone first.
            if (!ranks.Placement.Equals(next.Placement)) ranks.Stop(ActorRefs.Nobody);
            else if (!ranks.IsStopping) ranks.Start(_waiting.Dequeue().Take.Epoch, next.Take.Ranks);
            return;
        }
        _waiting.Dequeue();
        (_preparing, _preparingFor) = (true, next.Placement);
        Prepare(next.Take, next.Placement);
    }

    // Opens the token store and may read every byte of the weights: on a thread of its own.
    private void Prepare(NodeProtocol.TakeRanks take, IActorRef placement)
    {
        var (self, preparation) = (Self, places!.Preparation);
        var address = Akka.Cluster.Cluster.Get(Context.System).SelfAddress.Host!;
        new Thread(() =>
        {
            try
            {
                self.Tell(new Prepared(take, placement, preparation.Prepare(take.Run, address), null));
            }
            catch (Exception fault)
            {
                self.Tell(new Prepared(take, placement, null, RunFailure.Of(fault)));
            }
        })
        {
            IsBackground = true,
            Name = "run preparation",
        }.Start();
    }

    private void Begin(Prepared prepared)
    {
        var (take, placement) = (prepared.Take, prepared.Placement);
        IActorRef At(string path) => Couriers.To(Context.System, ActorPlaces.Resolve(Context.System, path));
        var run = At(take.Coordinator);
        IActorRef Below(string name) => At($"{run.Path.ToStringWithAddress()}/{name}");
        if (prepared.Plan is not { } plan)
        {
            run.Tell(new RunProtocol.Fatal(prepared.Failure!));
            return;
        }
        _ranks = new NodeRanks(Context, plan, run, placement, Below(GradientSyncSupervisor.Name), Below("checkpoints"));
        _ranks.Start(take.Epoch, take.Ranks);
    }
}
