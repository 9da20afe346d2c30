using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Ranks;

/// <summary>Supervises this node's rank trainers: a failed one is restarted. The supervisor of the gradient sync, which hears of each loss, says when that is often enough.</summary>
internal sealed class RankTrainers(WorkerShutdown shutdown, IActorRef run) : UntypedActor
{
    // A worker that hangs in native code cannot be ended; the run waits no longer than this for it.
    private static readonly TimeSpan ShutdownPatience = TimeSpan.FromSeconds(60);

    // Later placements of ranks whose trainers of an earlier one are still ending.
    private readonly Dictionary<string, RankSetup> _later = [];
    // Ranks whose trainers end before the run, as they are to.
    private readonly HashSet<string> _released = [];
    private int _alive;
    private bool _stopping, _leaves;

    /// <summary>Start trainers for these ranks. One that already has a trainer gets a new one: it was placed again.</summary>
    public sealed record Add(IReadOnlyList<RankSetup> Setups) : INoSerializationVerificationNeeded;

    /// <summary>A trainer's last words: the run goes on without its rank.</summary>
    public sealed record Released(Rank Rank) : INoSerializationVerificationNeeded;

    private sealed record WorkersEnded : INoSerializationVerificationNeeded
    {
        public static WorkersEnded Instance { get; } = new();
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Restart);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Add add:
                foreach (var setup in add.Setups) Start(setup);
                break;
            case RankProtocol.Stop or RankProtocol.Leave:
                _stopping = true;
                _leaves |= message is RankProtocol.Leave;
                foreach (var child in Context.GetChildren()) child.Tell(message);
                StopWhenEmpty();
                break;
            case Released released:
                _released.Add($"{released.Rank}");
                Context.Parent.Tell(released);
                break;
            case Terminated ended:
                _alive--;
                var isReleased = _released.Remove(ended.ActorRef.Path.Name);
                if (_later.Remove(ended.ActorRef.Path.Name, out var later)) Start(later);
                else if (!_stopping && !isReleased) run.Tell(new RunProtocol.Fatal(new RunFailure($"the trainer of rank {ended.ActorRef.Path.Name} ended before the run", "")));
                StopWhenEmpty();
                break;
            case WorkersEnded:
                Context.Stop(Self);
                break;
        }
    }

    private void Start(RankSetup setup)
    {
        if (_stopping) return;
        var name = $"{setup.Rank}";
        if (Context.Child(name) is var earlier && !earlier.IsNobody())
        {
            _later[name] = setup;
            Context.Stop(earlier);
            return;
        }
        Context.Watch(Context.ActorOf(Props.Create(() => new RankTrainer(setup)), name));
        _alive++;
    }

    private void StopWhenEmpty()
    {
        if (!_stopping || _alive > 0) return;
        // Those that are being replaced have nothing that the next ones need.
        if (_leaves) Context.Stop(Self);
        else _ = shutdown.AllEndedAsync(ShutdownPatience).PipeTo(Self, success: () => WorkersEnded.Instance);
    }
}
