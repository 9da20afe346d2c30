using System.Collections.Concurrent;
using Akka.Actor;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Cluster.Evaluations;

/// <summary>Supervises this node's evaluators and restarts those that fail; their tasks are queued again.</summary>
internal sealed class Evaluators(int count, IEvaluatorFactory factory, IActorRef queue) : UntypedActor
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

    // The queue limits the attempts at a task, so that restarts need no limit of their own.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Restart);

    protected override void PreStart()
    {
        for (; _alive < count; _alive++) Context.Watch(Context.ActorOf(Props.Create(() => new EvaluatorWorker(factory, queue, _threads)), $"{_alive}"));
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
