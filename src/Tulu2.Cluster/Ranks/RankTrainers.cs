using Akka.Actor;
using Tulu2.Cluster.Runs;
using Tulu2.Files;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Ranks;

/// <summary>Supervises this node's rank trainers: a failed one is restarted, a limited number of times; then the run is over.</summary>
internal sealed class RankTrainers(WorkerGraves graves, int restartsPerMinute, IActorRef run) : UntypedActor
{
    // A worker that hangs in native code cannot be ended; the run does not wait for it longer than this.
    private static readonly TimeSpan BurialPatience = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, Exception> _causes = [];
    private int _alive;
    private bool _stopping;

    /// <summary>Stand for these ranks too.</summary>
    public sealed record Add(IReadOnlyList<RankSetup> Setups) : INoSerializationVerificationNeeded;

    private sealed record Buried : INoSerializationVerificationNeeded
    {
        public static Buried Instance { get; } = new();
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(restartsPerMinute, TimeSpan.FromMinutes(1), cause =>
    {
        if (cause is RankFailedException failed) _causes[$"{failed.Rank}"] = cause;
        return Directive.Restart;
    });

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Add add when !_stopping:
                foreach (var setup in add.Setups)
                {
                    Context.Watch(Context.ActorOf(Props.Create(() => new RankTrainer(setup)), $"{setup.Rank}"));
                    _alive++;
                }
                break;
            case RankProtocol.Stop:
                _stopping = true;
                foreach (var child in Context.GetChildren()) child.Tell(message);
                StopWhenEmpty();
                break;
            case Terminated ended:
                _alive--;
                if (!_stopping) run.Tell(new RunProtocol.Fatal(GaveUp(ended.ActorRef.Path.Name)));
                StopWhenEmpty();
                break;
            case Buried:
                Context.Stop(Self);
                break;
        }
    }

    private RunFailure GaveUp(string rank)
    {
        var cause = _causes.GetValueOrDefault(rank);
        var detail = cause is RankFailedException { Detail.Length: > 0 } failed ? failed.Detail : $"{cause}";
        var error = cause is null ? "an unknown error" : FaultText.Of(cause);
        return new RunFailure($"rank {rank} failed more than {restartsPerMinute} times within a minute, the last time with: {error}", detail);
    }

    private void StopWhenEmpty()
    {
        if (_stopping && _alive == 0) _ = graves.AllAsync(BurialPatience).PipeTo(Self, success: () => Buried.Instance);
    }
}
