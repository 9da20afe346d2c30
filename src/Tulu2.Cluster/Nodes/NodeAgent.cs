using System.Collections.Immutable;
using Akka.Actor;
using Tulu2.Cluster.Delivery;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Ranks;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Nodes;

/// <summary>
/// Starts, watches and ends this node's workers: the ranks of a run, with their data loader and checkpointer, and evaluators. Ranks come from a run on this
/// node, or from the placement of a run anywhere in the cluster. A node has the ranks of one run at a time: those of the next start when no worker of the run
/// before is left.
/// </summary>
/// <param name="capacity">Ranks taken from placements; null: none.</param>
internal sealed class NodeAgent(NodeCapacity? capacity) : UntypedActor, IWithTimers
{
    // A coordinator that is lost has its successor within seconds, if it has one.
    private static readonly TimeSpan LeftPatience = TimeSpan.FromMinutes(5);

    private Queue<Request> _waiting = [];
    private NodeRanks? _ranks;
    private NodeRun? _run;   // of the ranks, where they were placed; null: they were not
    private LeftRanks? _left;
    private bool _preparing;
    private IActorRef? _drains;   // who waits for the end of the ranks
    private IActorRef? _preparingFor;   // null too where it has stopped its run, or died, meanwhile

    public ITimerScheduler Timers { get; set; } = null!;

    // Ranks whose workers live on without anybody who supervises them.
    private sealed record LeftRanks(NodeRun Run, NodePlan Plan, ImmutableArray<Rank> Ranks);

    private sealed record LeftTooLong : INoSerializationVerificationNeeded
    {
        public static LeftTooLong Instance { get; } = new();
    }

    // Evaluators by the queue or pool that they work for.
    private readonly Dictionary<IActorRef, IActorRef> _evaluators = [];

    /// <summary>A run of this node to its agent: start all ranks here. The sender is the run.</summary>
    /// <param name="Ranks">How many.</param>
    public sealed record StartRanks(NodePlan Plan, int Ranks, IActorRef GradientSync, IActorRef Checkpoints) : INoSerializationVerificationNeeded;

    // Ranks to be started for a run: of this node, or for a placement.
    private abstract record Request(IActorRef Placement, long Epoch, ImmutableArray<Rank> Ranks)
    {
        public sealed record Local(StartRanks Start, IActorRef Placement) : Request(Placement, 0, [.. Rank.All(Start.Ranks)]);

        public sealed record Placed(NodeProtocol.TakeRanks Take, IActorRef Placement) : Request(Placement, Take.Epoch, Take.Ranks);
    }

    /// <summary>This node is about to end: let its ranks finish their step first. The answer, when none is left: <see cref="Drained"/>.</summary>
    public sealed record Drain : INoSerializationVerificationNeeded
    {
        public static Drain Instance { get; } = new();
    }

    public sealed record Drained : INoSerializationVerificationNeeded
    {
        public static Drained Instance { get; } = new();
    }

    private sealed record Prepared(Request.Placed Request, NodePlan? Plan, RunFailure? Failure) : INoSerializationVerificationNeeded;

    // A child that fails here is no rank: the run ends with the failure, and the others continue until they are stopped.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        _ranks?.Run.Tell(new RunProtocol.Fatal(RunFailure.Of(cause)));
        return Directive.Resume;
    });

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case StartRanks start:
                Enqueue(new Request.Local(start, Sender));
                break;
            case NodeProtocol.Invite when capacity is not null && _drains is null:
                Sender.Tell(Places(capacity));
                break;
            case NodeProtocol.TakeRanks take when capacity is not null && _drains is null:
                Enqueue(new Request.Placed(take, Sender));
                break;
            case Prepared prepared:
                _preparing = false;
                // Workers of a run that has ended would never be stopped.
                if (prepared.Request.Placement.Equals(_preparingFor)) Begin(prepared);
                else prepared.Plan?.Owned?.Dispose();
                _preparingFor = null;
                StartNext();
                break;
            case RunProtocol.Resize resize when _ranks?.Placement.Equals(Sender) == true:
                _ranks.Resize(resize.Ranks);
                break;
            case RunProtocol.RanksReleased released when _ranks?.Placement.Equals(Sender) == true:
                _ranks.Released(released.Ranks);
                break;
            case RankTrainers.Released released:
                _ranks?.Released(released.Rank);
                EndDrained();
                break;
            case Drain:
                _drains = Sender;
                if (_ranks is { IsStopping: false } going && _run is not null) Couriers.To(Context.System, going.Placement).Tell(NodeProtocol.Leaving.Instance);
                EndDrained();
                break;
            case RunProtocol.StopRanks:
                Stop(Sender);
                break;
            case Terminated ended when _ranks?.Ended(ended.ActorRef) == true:
                if (_ranks.IsLeaving) Keep(new LeftRanks(_run!, _ranks.Plan, _ranks.Ranks));
                _ranks = null;
                EndDrained();
                StartNext();
                break;
            case LeftTooLong:
                EndLeft();
                break;
            case EvaluationControl.StartEvaluators start:
                _evaluators[start.Queue] = Context.Watch(Context.ActorOf(
                    Props.Create(() => new Evaluators(start.Count, start.Source, start.Queue)), _evaluators.Count == 0 ? "evaluators" : $"evaluators-{Guid.NewGuid():N}"));
                break;
            case EvaluationControl.StopEvaluators:
                if (_evaluators.TryGetValue(Sender, out var evaluators)) evaluators.Tell(Evaluators.Stop.Instance);
                else Sender.Tell(EvaluationControl.EvaluatorsStopped.Instance);
                break;
            case Terminated ended when _evaluators.FirstOrDefault(pair => pair.Value.Equals(ended.ActorRef)) is { Key: { } queue }:
                _evaluators.Remove(queue);
                queue.Tell(EvaluationControl.EvaluatorsStopped.Instance);
                break;
            case Terminated ended:
                Forget(ended.ActorRef);
                if (_ranks?.Placement.Equals(ended.ActorRef) == true) Leave(_ranks);
                break;
        }
    }

    private void Enqueue(Request request)
    {
        // If it dies, nobody can use the ranks.
        Context.Watch(request.Placement);
        _waiting.Enqueue(request);
        StartNext();
    }

    private void Stop(IActorRef asker)
    {
        Forget(asker);
        if (_ranks is { } ranks && ranks.Placement.Equals(asker)) ranks.Stop(asker);
        else Couriers.To(Context.System, asker).Tell(RunProtocol.RanksStopped.Instance);
    }

    // Nobody supervises the run any more; the next one who does goes on with its workers.
    private void Leave(NodeRanks ranks)
    {
        if (_run is null) ranks.Stop(ActorRefs.Nobody);
        else ranks.Leave();
    }

    private void EndDrained()
    {
        if (_drains is not { } asker) return;
        if (_ranks is { } ranks && _run is not null)
        {
            if (ranks.Ranks.IsEmpty) ranks.Stop(ActorRefs.Nobody);
            return;
        }
        _drains = null;
        asker.Tell(Drained.Instance);
    }

    private void Keep(LeftRanks left)
    {
        _left = left;
        Timers.StartSingleTimer(nameof(LeftTooLong), LeftTooLong.Instance, LeftPatience);
    }

    // They may take as long as a snapshot to end.
    private void EndLeft()
    {
        if (_left is not { Plan: var plan }) return;
        _left = null;
        Timers.Cancel(nameof(LeftTooLong));
        var thread = new DedicatedThread("end of workers that were left", _ => { /* They are orphans, and end by themselves. */ });
        thread.Post(() =>
        {
            (plan.Workers as IDisposable)?.Dispose();
            plan.Owned?.Dispose();
        });
        thread.Dispose();
    }

    private NodeProtocol.Places Places(NodeCapacity offered)
    {
        var (run, living) = _left is { } left ? (left.Run, left.Ranks) : _ranks is { } ranks && _run is { } placed ? (placed, ranks.Ranks) : (null, []);
        var places = new NodeProtocol.Places(offered.Ranks, offered.Memory);
        return run is null ? places : places with { Living = living, RunDirectory = run.RunDirectory, RecipeHash = run.RecipeHash };
    }

    // Withdraws the requests of a placement that have not been granted.
    private void Forget(IActorRef placement)
    {
        _waiting = new(_waiting.Where(waiting => !waiting.Placement.Equals(placement)));
        if (placement.Equals(_preparingFor)) _preparingFor = null;
    }

    protected override void PostStop() => EndLeft();

    private void StartNext()
    {
        if (_preparing || !_waiting.TryPeek(out var next)) return;
        if (_ranks is { } ranks)
        {
            // Ranks of another run, or of an earlier life of the same one, have to end first.
            if (!ranks.Placement.Equals(next.Placement))
            {
                if (next is Request.Placed { Take.Run: var same } && _run?.IsSame(same) == true) ranks.Leave();
                else ranks.Stop(ActorRefs.Nobody);
            }
            else if (!ranks.IsStopping) ranks.Start(_waiting.Dequeue().Epoch, next.Ranks);
            return;
        }
        _waiting.Dequeue();
        switch (next)
        {
            case Request.Local { Start: var start, Placement: var run }:
                _run = null;
                _ranks = new NodeRanks(Context, start.Plan, run, run, start.GradientSync, start.Checkpoints);
                _ranks.Start(next.Epoch, next.Ranks);
                StartNext();
                break;
            case Request.Placed placed when _left?.Run.IsSame(placed.Take.Run) == true:
                var plan = _left.Plan;
                _left = null;
                Timers.Cancel(nameof(LeftTooLong));
                Begin(new Prepared(placed, plan, null));
                StartNext();
                break;
            case Request.Placed placed:
                EndLeft();
                (_preparing, _preparingFor) = (true, placed.Placement);
                Prepare(placed);
                break;
        }
    }

    // Opens the token store and may read every byte of the weights, so it has a thread of its own.
    private void Prepare(Request.Placed request)
    {
        var (self, preparation, run) = (Self, capacity!.Preparation, request.Take.Run);
        var address = Akka.Cluster.Cluster.Get(Context.System).SelfAddress.Host!;
        var thread = new DedicatedThread("run preparation", fault => self.Tell(new Prepared(request, null, RunFailure.Of(fault))));
        thread.Post(() => self.Tell(new Prepared(request, preparation.Prepare(run, address), null)));
        thread.Dispose();
    }

    private void Begin(Prepared prepared)
    {
        var take = prepared.Request.Take;
        IActorRef At(string path) => Couriers.To(Context.System, ActorPaths.Resolve(Context.System, path));
        var run = At(take.Coordinator);
        IActorRef Below(string name) => At($"{run.Path.ToStringWithAddress()}/{name}");
        if (prepared.Plan is not { } plan)
        {
            run.Tell(new RunProtocol.Fatal(prepared.Failure!));
            return;
        }
        _run = take.Run;
        _ranks = new NodeRanks(Context, plan, run, prepared.Request.Placement, Below(ActorNames.GradientSync), Below(ActorNames.Checkpoints));
        _ranks.Start(take.Epoch, take.Ranks);
    }
}
