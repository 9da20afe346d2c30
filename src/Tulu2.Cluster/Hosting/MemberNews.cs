using Akka.Actor;
using Akka.Cluster;

namespace Tulu2.Cluster.Hosting;

/// <summary>Says who comes, goes and cannot be reached, a line each.</summary>
internal sealed class MemberNews(Action<string> say) : UntypedActor
{
    public const string Name = "member-news";

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);

    protected override void PreStart() => _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
        typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.MemberRemoved), typeof(ClusterEvent.IReachabilityEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        // Who leaves sees the others go.
        if (_cluster.SelfMember.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up && Words(message) is { } words) say(words);
    }

    // Of this node itself its own command speaks.
    private string? Words(object message) => message switch
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
