using Akka.Actor;
using Akka.Cluster;

namespace Tulu2.Cluster.Hosting;

/// <summary>Reports nodes that join, leave or become unreachable, a line each.</summary>
internal sealed class MembershipLog(Action<string> say) : UntypedActor
{
    public const string Name = "member-news";

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);

    protected override void PreStart() => _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
        typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.MemberRemoved), typeof(ClusterEvent.IReachabilityEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        // A node that leaves sees the others leave.
        if (_cluster.SelfMember.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up && LineOf(message) is { } line) say(line);
    }

    // The node's own command reports this node.
    private string? LineOf(object message) => message switch
    {
        ClusterEvent.IMemberEvent { Member: var own } when own.UniqueAddress.Equals(_cluster.SelfUniqueAddress) => null,
        ClusterEvent.MemberUp up => $"node {up.Member.Address} has come ({string.Join(", ", up.Member.Roles.Order())})",
        ClusterEvent.MemberRemoved { PreviousStatus: MemberStatus.Down } down => $"node {down.Member.Address} was given up",
        ClusterEvent.MemberRemoved left => $"node {left.Member.Address} has left",
        ClusterEvent.UnreachableMember lost => $"node {lost.Member.Address} cannot be reached",
        ClusterEvent.ReachableMember back => $"node {back.Member.Address} can be reached again",
        _ => null,
    };
}
