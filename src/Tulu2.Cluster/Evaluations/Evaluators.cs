using System.Collections.Concurrent;
using Akka.Actor;

namespace Tulu2.Cluster.Evaluations;

/// <summary>This node's evaluators for one queue, or for the coordinator's runs.</summary>
internal sealed class Evaluators(int count, IEvaluatorSource source, IActorRef queue) : UntypedActor
{
    // Native code on a thread of this process cannot be interrupted; the caller waits no longer than this.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentBag<Task> _threads = [];
    private int _alive;

    /// <summary>Ends all evaluators, then this actor.</summary>
    public sealed record Stop : INoSerializationVerificationNeeded
    {
        public static Stop Instance { get; } = new();
    }

    private sealed record ThreadsEnded : INoSerializationVerificationNeeded
    {
        public static ThreadsEnded Instance { get; } = new();
    }

    // A worker reports the failures of its evaluator; one that fails itself begins anew.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Restart);

    protected override void PreStart()
    {
        for (; _alive < count; _alive++) Context.Watch(Context.ActorOf(Props.Create(() => new EvaluatorWorker(source, queue, _threads)), $"{_alive}"));
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Stop:
                foreach (var child in Context.GetChildren()) Context.Stop(child);
                break;
            case Terminated when --_alive == 0:
                _ = Task.WhenAny(Task.WhenAll(_threads), Task.Delay(Patience)).PipeTo(Self, success: _ => ThreadsEnded.Instance);
                break;
            case ThreadsEnded:
                Context.Stop(Self);
                break;
        }
    }
}
