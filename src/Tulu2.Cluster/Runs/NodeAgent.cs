using Akka.Actor;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.DataLoading;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Ranks;

namespace Tulu2.Cluster.Runs;

/// <summary>Starts, watches and ends what works on this node: rank trainers with their data loader and checkpointer, and evaluators.</summary>
internal sealed class NodeAgent : UntypedActor
{
    public const string Name = "node";

    // Data loader and checkpointer: the trainers end before them, since they still use them.
    private readonly HashSet<IActorRef> _helpers = [];
    private IActorRef? _trainers;
    private IActorRef? _run;
    private IActorRef? _evaluators;
    private IActorRef? _queue;

    // What fails here by itself is not a rank: the run ends with it, and the rest goes on until it is told to stop.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        _run?.Tell(new RunProtocol.Fatal(RunFailure.Of(cause)));
        return Directive.Resume;
    });

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RunProtocol.StartRanks start:
                StartRanks(start);
                break;
            case RunProtocol.StopRanks:
                if (_trainers is null) Sender.Tell(RunProtocol.RanksStopped.Instance);
                else _trainers.Tell(RankProtocol.Stop.Instance);
                break;
            case Terminated ended when ended.ActorRef.Equals(_trainers):
                _trainers = null;
                foreach (var helper in _helpers) Context.Stop(helper);
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
            case Terminated ended when _helpers.Remove(ended.ActorRef) && _helpers.Count == 0:
                _run!.Tell(RunProtocol.RanksStopped.Instance);
                break;
        }
    }

    private void StartRanks(RunProtocol.StartRanks start)
    {
        var plan = start.Plan;
        var run = _run = Sender;
        var loader = Context.ActorOf(Props.Create(() => new DataLoader(plan.Batches, plan.Reference, run)), "data-loader");
        var checkpointer = Context.ActorOf(Props.Create(() => new Checkpointer(start.Checkpoints)), "checkpointer");
        _helpers.UnionWith([Context.Watch(loader), Context.Watch(checkpointer)]);
        var graves = new WorkerGraves();
        long incarnations = 0;
        var setups = Enumerable.Range(0, plan.Layout.Size).Select(rank => new RankSetup(
            rank,
            report => plan.Workers.Start(rank, report),
            () => new FeedWindow(plan.Layout.PlaceOf(rank).Data, plan.Layout.Data, plan.Batches.SlotsPerStep, plan.TotalSteps, Math.Max(2, plan.Prefetch)),
            () => Interlocked.Increment(ref incarnations),
            start.GradientSync, loader, checkpointer, graves)).ToArray();
        _trainers = Context.Watch(Context.ActorOf(Props.Create(() => new RankTrainers(setups, plan.RestartsPerMinute, run)), "rank-trainers"));
    }
}
