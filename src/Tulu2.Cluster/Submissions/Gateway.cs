using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using Tulu2.Cluster.Messages;

namespace Tulu2.Cluster.Submissions;

/// <summary>
/// Entry for processes outside the cluster: passes their requests to the coordinator, on whatever node, and the answers back over the connection by which the
/// requests came. No node has to be able to connect to such a process, and the cluster neither counts it nor waits for it.
/// </summary>
internal sealed class Gateway : UntypedActor
{
    // Well below the longest message.
    private const int NodesPerMessage = 200;

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly Dictionary<IActorRef, IActorRef> _guides = [];

    // Buffers nothing for a coordinator that is not up yet: it would start a run that no client waits for any more.
    private readonly IActorRef _coordinator = Context.ActorOf(
        ClusterSingletonProxy.Props($"/user/{ActorNames.Coordinator}", ClusterSingletonProxySettings.Create(Context.System).WithBufferSize(0)), "coordinator");

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
        // A node that is still joining has no members.
        if (nodes.Length == 0) client.Tell(new SubmissionProtocol.Nodes(0, []));
        foreach (var part in nodes.Chunk(NodesPerMessage)) client.Tell(new SubmissionProtocol.Nodes(nodes.Length, [.. part]));
    }

    /// <summary>Passes messages between one client and the coordinator while the client sends requests.</summary>
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
