using Akka.Actor;
using Akka.Cluster;
using Tulu2.Cluster.Messages;

namespace Tulu2.Cluster.Hosting;

/// <summary>
/// Declares nodes down that cannot be reached, each after its own wait. Akka's split-brain resolver decides for all at once, when nothing has changed for a
/// while; nodes that come and go, as evaluators may, would put its decision off for ever. It is left to decide about coordinators, which alone need a majority.
/// </summary>
/// <param name="patience">How long a node with ranks may be unreachable.</param>
internal sealed class LostNodes(TimeSpan patience) : UntypedActor, IWithTimers
{
    // One that is given up too early comes again, and its work goes to another.
    private static readonly TimeSpan EvaluatorPatience = TimeSpan.FromSeconds(1);

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Waited(Member Member) : INoSerializationVerificationNeeded;

    protected override void PreStart() => _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
        typeof(ClusterEvent.MemberRemoved), typeof(ClusterEvent.IReachabilityEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterEvent.UnreachableMember { Member: var lost } when !lost.HasRole(ActorNames.CoordinatorRole):
                Timers.StartSingleTimer(lost.UniqueAddress, new Waited(lost), IsEvaluator(lost) ? Shorter(EvaluatorPatience) : patience);
                break;
            case ClusterEvent.ReachableMember { Member: var back }:
                Timers.Cancel(back.UniqueAddress);
                break;
            case ClusterEvent.MemberRemoved { Member: var removed }:
                Timers.Cancel(removed.UniqueAddress);
                break;
            case Waited { Member: var lost }:
                _cluster.Down(lost.Address);
                break;
        }
    }

    private TimeSpan Shorter(TimeSpan other) => other < patience ? other : patience;

    private static bool IsEvaluator(Member member) => member.HasRole(ActorNames.EvaluatorRole) && !member.HasRole(ActorNames.TrainerRole);
}
