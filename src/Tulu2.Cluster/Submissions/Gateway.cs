using Akka.Actor;
using Akka.Cluster.Tools.Singleton;

namespace Tulu2.Cluster.Submissions;

/// <summary>
/// Where processes outside the cluster come in: takes their requests to the coordinator, wherever that is, and brings the answers back over the connection by
/// which they came. Nobody has to reach such a process, and the cluster neither counts it nor waits for it.
/// </summary>
internal sealed class Gateway : UntypedActor
{
    public const string Name = "gateway";

    // Well below the longest message.
    private const int NodesPerMessage = 200;

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly Dictionary<IActorRef, IActorRef> _guides = [];

    // Keeps nothing for a coordinator that is still to come: it would begin a run that nobody waits for any more.
    private readonly IActorRef _coordinator = Context.ActorOf(
        ClusterSingletonProxy.Props("/user/run", ClusterSingletonProxySettings.Create(Context.System).WithBufferSize(0)), "coordinator");

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case SubmissionProtocol.IRequest request:
                GuideOf(Sender).Tell(request);
                if (request is SubmissionProtocol.AskStatus) TellNodes(Sender);
                break;
            case Terminated ended:
                foreach (var (client, guide) in _guides)
                    if (guide.Equals(ended.ActorRef)) _guides.Remove(client);
                break;
        }
    }

    private IActorRef GuideOf(IActorRef client)
    {
        if (!_guides.TryGetValue(client, out var guide))
        {
            var coordinator = _coordinator;
            _guides[client] = guide = Context.ActorOf(Props.Create(() => new Guide(client, coordinator)));
            Context.Watch(guide);
        }
        return guide;
    }

    private void TellNodes(IActorRef client)
    {
        var state = _cluster.State;
        NodeView[] nodes =
        [
            .. state.Members.Select(member => new NodeView(
                $"{member.Address}", [.. member.Roles.Order()], member.Status.ToString().ToLowerInvariant(), !state.Unreachable.Contains(member))),
        ];
        // A node that is still joining knows of none.
        if (nodes.Length == 0) client.Tell(new SubmissionProtocol.Nodes(0, []));
        foreach (var part in nodes.Chunk(NodesPerMessage)) client.Tell(new SubmissionProtocol.Nodes(nodes.Length, [.. part]));
    }

    /// <summary>Goes between one client and the coordinator for as long as it asks.</summary>
    private sealed class Guide(IActorRef client, IActorRef coordinator) : UntypedActor, IWithTimers
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

        public ITimerScheduler Timers { get; set; } = null!;

        // To watch the client would make its silence a matter between the two systems, which ends all talk between them for good.
        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case SubmissionProtocol.IRequest:
                    Timers.StartSingleTimer(nameof(Patience), ReceiveTimeout.Instance, Patience);
                    coordinator.Tell(message);
                    break;
                case ReceiveTimeout:
                    Context.Stop(Self);
                    break;
                default:
                    client.Tell(message);
                    break;
            }
        }
    }
}
