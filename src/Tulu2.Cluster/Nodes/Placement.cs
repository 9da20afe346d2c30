using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Tulu2.Cluster.Delivery;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Placement;

namespace Tulu2.Cluster.Nodes;

/// <summary>
/// Brings a run's ranks to the nodes of the cluster and back when one is lost: receives the membership, asks <see cref="PlacementState"/>, and carries out its
/// effects. The run addresses it in place of a node agent.
/// </summary>
/// <param name="layout">Of the run, as it begins.</param>
/// <param name="fewest">Ranks with which the run goes on while there is no room for more.</param>
/// <param name="memory">What the ranks take of the nodes' memory; null: unknown.</param>
internal sealed class Placement(NodeRun run, ParallelLayout layout, int fewest, IActorRef sync, RunEventPublisher events, PlacedMemory? memory) : UntypedActor, IWithTimers
{
    // An invitation may meet a node whose agent is not there yet.
    private static readonly TimeSpan InviteInterval = TimeSpan.FromMilliseconds(500);

    // One node alone may have room for ranks whose workers live on another that has not answered yet.
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(1.5);

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly Dictionary<Address, Member> _invited = [];
    private readonly Dictionary<string, IActorRef> _agents = [];
    private readonly Dictionary<string, MachineMemory> _memories = [];
    private readonly HashSet<string> _stopping = [];
    private PlacementState _state = new(layout.Size, layout.Tensor) { Copy = layout.CopySize, Fewest = fewest };
    private List<PlacementOffer>? _first = [];   // null: whoever was there has answered, or had the time for it
    private bool _isStopping, _hasStarted;

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record InviteAgain : INoSerializationVerificationNeeded
    {
        public static InviteAgain Instance { get; } = new();
    }

    private sealed record AnswersOverdue : INoSerializationVerificationNeeded
    {
        public static AnswersOverdue Instance { get; } = new();
    }

    // The words for a shortage of memory are made elsewhere, because they take a moment.
    private sealed record Short(BadInputException Refusal, bool IsRefused) : INoSerializationVerificationNeeded;

    protected override void PreStart()
    {
        Timers.StartSingleTimer(nameof(AnswersOverdue), AnswersOverdue.Instance, AnswerPatience);
        _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent));
        Timers.StartPeriodicTimer(nameof(InviteAgain), InviteAgain.Instance, InviteInterval);
        events.Publish(new RunEvent.WaitingForPlaces(layout.Size));
    }

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterEvent.MemberUp { Member: var member } when member.HasRole(ActorNames.TrainerRole):
                _invited[member.Address] = member;
                Invite(member);
                break;
            // Weakly up and joining ones come later; whatever else is no longer up is on its way out.
            case ClusterEvent.MemberLeft or ClusterEvent.MemberExited or ClusterEvent.MemberDowned or ClusterEvent.MemberRemoved:
                Gone(((ClusterEvent.IMemberEvent)message).Member);
                break;
            case InviteAgain:
                foreach (var member in _invited.Values) Invite(member);
                break;
            case NodeProtocol.Places places when _invited.Remove(AddressOf(Sender), out var member):
                _agents[NameOf(member)] = Couriers.To(Context.System, Sender);
                _memories[NameOf(member)] = places.Memory;
                Offer(new PlacementOffer(NameOf(member), places.Count, IsOurs(places) ? places.Living : []));
                break;
            case NodeProtocol.Leaving when _agents.FirstOrDefault(agent => agent.Value.Equals(Sender)).Key is { } leaving:
                if (!_isStopping) Take(_state.Leaving(leaving), $"its node {AddressIn(leaving)} was told to end");
                break;
            case RunProtocol.Resize resize:
                if (!_isStopping) Take(_state.Resize(resize.Ranks), "");
                break;
            case RunProtocol.RanksReleased released:
                if (!_isStopping) Take(_state.Released(released.Ranks), "");
                break;
            case AnswersOverdue:
                OfferFirst();
                break;
            case RunProtocol.Fatal:
                Context.Parent.Tell(message);
                break;
            case Short { IsRefused: true, Refusal: var refusal }:
                Context.Parent.Tell(new RunProtocol.Fatal(RunFailure.Of(refusal)));
                break;
            case Short { Refusal: var warning }:
                events.Publish(new RunEvent.Warned($"{warning.Where}: {warning.What}"));
                break;
            case RunProtocol.StopRanks:
                _isStopping = true;
                foreach (var node in _state.InUse)
                {
                    _stopping.Add(node);
                    _agents[node].Tell(RunProtocol.StopRanks.Instance);
                }
                SayStopped();
                break;
            case RunProtocol.RanksStopped when _agents.FirstOrDefault(agent => agent.Value.Equals(Sender)).Key is { } node:
                _stopping.Remove(node);
                SayStopped();
                break;
        }
    }

    private void Offer(PlacementOffer offer)
    {
        if (_first is null) Place(offer);
        else
        {
            _first.Add(offer);
            if (_invited.Count == 0) OfferFirst();
        }
    }

    private void OfferFirst()
    {
        if (_first is not { } first) return;
        _first = null;
        Place([.. first.Where(offer => _agents.ContainsKey(offer.Node))]);
    }

    private void Place(params PlacementOffer[] offers)
    {
        // A run whose workers live has begun.
        _hasStarted |= offers.Any(offer => offer.Living.Length > 0);
        if (!_isStopping) Take(_state.Offer(offers), "");
    }

    private bool IsOurs(NodeProtocol.Places places) => places.RunDirectory == run.RunDirectory && places.RecipeHash == run.RecipeHash;

    // The agent of this node has no address in its path.
    private Address AddressOf(IActorRef agent) => agent.Path.Address.HasLocalScope ? _cluster.SelfAddress : agent.Path.Address;

    private static void Invite(Member member) =>
        Context.ActorSelection(new RootActorPath(member.Address) / "user" / ActorNames.NodeAgent).Tell(NodeProtocol.Invite.Instance);

    private void Gone(Member member)
    {
        var node = NameOf(member);
        if (_invited.TryGetValue(member.Address, out var invited) && invited.UniqueAddress.Equals(member.UniqueAddress)) _invited.Remove(member.Address);
        if (!_agents.Remove(node)) return;
        _memories.Remove(node);
        if (_stopping.Remove(node)) SayStopped();
        if (!_isStopping) Take(_state.Gone(node), $"its node {member.Address} is gone ({member.Status.ToString().ToLowerInvariant()})");
    }

    private void Take((PlacementState Next, ImmutableArray<PlacementEffect> Effects) taken, string why)
    {
        if (!Fits(taken.Next, taken.Effects)) return;
        _state = taken.Next;
        var coordinator = ActorPaths.PathOf(Context.System, Context.Parent);
        foreach (var effect in taken.Effects)
            switch (effect)
            {
                case PlacementEffect.Start start:
                    events.Publish(new RunEvent.RanksPlaced(start.Node, start.Ranks));
                    _agents[start.Node].Tell(new NodeProtocol.TakeRanks(start.Epoch, coordinator, run, start.Ranks));
                    break;
                case PlacementEffect.Leave leave:
                    sync.Tell(new NodeProtocol.Leave(leave.Epoch, leave.Ranks, why));
                    break;
                case PlacementEffect.Lost lost:
                    sync.Tell(new NodeProtocol.Gone(lost.Epoch, lost.Ranks, why));
                    break;
                case PlacementEffect.Waiting waiting:
                    events.Publish(new RunEvent.WaitingForPlaces(waiting.Missing));
                    break;
            }
    }

    // A run that has not begun is refused. One that has goes on as long as it can.
    private bool Fits(PlacementState next, ImmutableArray<PlacementEffect> effects)
    {
        if (!effects.Any(effect => effect is PlacementEffect.Start)) return true;
        var isRefused = !_hasStarted && memory is { IsForced: false };
        _hasStarted = true;
        var rooms = next.Ranked.Select(node => new NodeRoom(AddressIn(node.Node), _memories[node.Node], node.Ranks));
        if (memory?.Need.Shortage(rooms) is not { } shortage) return true;
        _isStopping = isRefused;
        var words = memory.Refusal;
        _ = Task.Run(() => words(shortage)).PipeTo(Self, success: refusal => new Short(refusal, isRefused),
            failure: fault => new RunProtocol.Fatal(RunFailure.Of(fault)));
        return !isRefused;
    }

    private void SayStopped()
    {
        if (_isStopping && _stopping.Count == 0) Context.Parent.Tell(RunProtocol.RanksStopped.Instance);
    }

    // A node that comes back is another one: the same address, started anew.
    private static string NameOf(Member member) => $"{member.Address}#{member.UniqueAddress.Uid}";

    private static string AddressIn(string name) => name[..name.LastIndexOf('#')];
}
