using System.Collections.Immutable;
using Akka.Actor;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Delivery;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Ranks;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Cluster.Nodes;

/// <summary>The ranks of a run on this node, with their data loader and checkpointer. Owned by the node agent and called on its thread only.</summary>
internal sealed class NodeRanks
{
    private readonly NodePlan _plan;
    private readonly IActorRef _sync;
    private readonly IActorRef _loader;
    private readonly IActorRef _checkpointer;
    private readonly IActorRef _trainers;
    private readonly IUntypedActorContext _context;
    private readonly WorkerShutdown _shutdown = new();
    private readonly List<IActorRef> _askers = [];
    private readonly HashSet<Rank> _ranks = [];
    private long _epoch;

    // The trainers end before data loader and checkpointer, since they still use them.
    private readonly HashSet<IActorRef> _alive;

    public NodeRanks(IUntypedActorContext context, NodePlan plan, IActorRef run, IActorRef placement, IActorRef sync, IActorRef checkpoints)
    {
        (_context, _plan, _sync, Run, Placement) = (context, plan, sync, run, placement);
        _loader = context.Watch(context.ActorOf(Props.Create(() => new DataLoader(plan.Batches, plan.Reference, plan.Validation, run)), $"data-loader-{run.Path.Name}"));
        _checkpointer = context.Watch(context.ActorOf(Props.Create(() => new Checkpointer(checkpoints)), $"checkpointer-{run.Path.Name}"));
        var shutdown = _shutdown;
        _trainers = context.Watch(context.ActorOf(Props.Create(() => new RankTrainers(shutdown, run)), $"rank-trainers-{run.Path.Name}"));
        _alive = [_loader, _checkpointer, _trainers];
    }

    /// <summary>The run's actor.</summary>
    public IActorRef Run { get; }

    /// <summary>The actor that placed the ranks here.</summary>
    public IActorRef Placement { get; }

    public bool IsStopping { get; private set; }

    /// <summary>The workers live on when these actors have ended.</summary>
    public bool IsLeaving { get; private set; }

    public NodePlan Plan => _plan;

    /// <summary>Ranks that were placed here.</summary>
    public ImmutableArray<Rank> Ranks => [.. _ranks.Order()];

    public void Start(long epoch, ImmutableArray<Rank> ranks)
    {
        _ranks.UnionWith(ranks);
        _epoch = epoch;
        long incarnations = NodeProtocol.FirstIncarnation(epoch);
        var (plan, shutdown) = (_plan, _shutdown);
        _trainers.Tell(new RankTrainers.Add([.. ranks.Select(rank => new RankSetup(
            rank,
            report => plan.Workers.Start(rank, report),
            () => FeedWindow.Of(plan.Layout, plan.Batches, new StepNumber(plan.TotalSteps), plan.Prefetch),
            () => new Incarnation(Interlocked.Increment(ref incarnations)),
            _sync, _loader, _checkpointer, shutdown))]));
    }

    /// <summary>All ranks of the run are here, and there are this many now.</summary>
    public void Resize(int ranks)
    {
        if (!IsStopping && Rank.All(ranks).Where(rank => !_ranks.Contains(rank)).ToImmutableArray() is { IsEmpty: false } more) Start(_epoch + 1, more);
    }

    /// <summary>The trainers of these ranks end.</summary>
    public void Released(params IEnumerable<Rank> ranks) => _ranks.ExceptWith(ranks);

    /// <param name="asker">Gets RanksStopped when no worker of the run is left on this node.</param>
    public void Stop(IActorRef asker)
    {
        _askers.Add(asker);
        if (IsStopping) return;
        IsStopping = true;
        if (_plan.Workers is IDisposable spares) _shutdown.Begin(spares, "spare workers");
        _trainers.Tell(RankProtocol.Stop.Instance);
    }

    /// <summary>Ends the actors, and leaves their workers and the plan to whoever supervises the run next.</summary>
    public void Leave()
    {
        if (IsStopping) return;
        IsStopping = IsLeaving = true;
        _trainers.Tell(RankProtocol.Leave.Instance);
    }

    /// <summary>Called when an actor has ended.</summary>
    /// <returns>Whether it was the last one.</returns>
    public bool Ended(IActorRef actor)
    {
        if (!_alive.Remove(actor)) return false;
        if (actor.Equals(_trainers))
            foreach (var helper in _alive) _context.Stop(helper);
        if (_alive.Count > 0) return false;
        if (!IsLeaving) _plan.Owned?.Dispose();
        foreach (var asker in _askers) Couriers.To(_context.System, asker).Tell(RunProtocol.RanksStopped.Instance);
        return true;
    }
}
