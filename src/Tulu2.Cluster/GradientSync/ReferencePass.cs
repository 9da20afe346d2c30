using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Ranks;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Cluster.GradientSync;

/// <summary>
/// Distributes the chunks of the reference pass to replicas with free capacity, and stores the results, each chunk once. Owned by the supervisor of the gradient
/// sync and called on its thread only.
/// </summary>
internal sealed class ReferencePass : IDisposable
{
    // One chunk being scored and one being read.
    private const int HeldPerReplica = 2;

    // Restarts of a rank are limited by its supervisor, attempts at a chunk are not.
    private const int Attempts = int.MaxValue;

    private readonly IReferencePlan _plan;
    private readonly ParallelLayout _layout;
    private readonly IActorRef _owner;
    private readonly DedicatedThread _thread;
    private LeaseQueue<int> _queue;
    private long _generation;
    private bool _finished;

    public ReferencePass(IReferencePlan plan, ParallelLayout layout, IActorRef owner)
    {
        (_plan, _layout, _owner) = (plan, layout, owner);
        _thread = new DedicatedThread("reference cache", fault => owner.Tell(new Failed(RunFailure.Of(fault))));
        _queue = LeaseQueue<int>.Of(Enumerable.Range(0, plan.Chunks), Attempts, plan.IsDone);
    }

    public sealed record Stored(int Done, int Total) : INoSerializationVerificationNeeded;

    public sealed record Completed : INoSerializationVerificationNeeded
    {
        public static Completed Instance { get; } = new();
    }

    public sealed record Failed(RunFailure Failure) : INoSerializationVerificationNeeded;

    public void Dispose() => _thread.Dispose();

    /// <summary>A generation has begun. Chunks held by older ones are distributed again; their late results still count.</summary>
    public void Begin(long generation, Action<int, object> tell)
    {
        _generation = generation;
        _queue = _queue.Recall();
        _owner.Tell(new Stored(_queue.Done, _queue.Total));
        if (_queue.IsComplete) Finish();
        for (var replica = 0; replica < _layout.Data; replica++) Offer(replica, tell);
    }

    public void Scored(int rank, int chunk, float[] logProbabilities, Action<int, object> tell)
    {
        (_queue, var accepted) = _queue.Complete(chunk);
        if (accepted)
        {
            var stored = new Stored(_queue.Done, _queue.Total);
            OnDisk(() => _plan.Store(chunk, logProbabilities), stored);
            if (_queue.IsComplete) Finish();
        }
        Offer(_layout.CoordinatesOf(rank).Data, tell);
    }

    private void Finish()
    {
        if (_finished) return;
        _finished = true;
        OnDisk(_plan.Complete, Completed.Instance);
    }

    // Every rank of a replica does its part of a chunk, in the same order.
    private void Offer(int replica, Action<int, object> tell)
    {
        while (_queue.HeldBy($"{replica}") < HeldPerReplica)
        {
            (_queue, var lease) = _queue.Take($"{replica}", TimeSpan.Zero, TimeSpan.MaxValue);
            if (lease is null) return;
            foreach (var rank in _layout.Replica(replica)) tell(rank, new RankProtocol.ScoreChunk(_generation, lease.Work));
        }
    }

    private void OnDisk(Action work, object then) => _thread.Post(() =>
    {
        work();
        _owner.Tell(then);
    });
}
