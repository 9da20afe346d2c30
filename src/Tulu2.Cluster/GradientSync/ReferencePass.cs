using System.Collections.Immutable;
using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Ranks;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Cluster.GradientSync;

/// <summary>
/// Hands out the chunks of the reference pass as <see cref="ChunkQueue"/> decides, and stores what comes back. Belongs to the supervisor of the gradient sync
/// and is called on its thread only.
/// </summary>
internal sealed class ReferencePass : IDisposable
{
    private readonly IReferencePlan _plan;
    private readonly IActorRef _owner;
    private readonly DedicatedThread _thread;
    private ChunkQueue _queue;
    private Generation _generation;
    private bool _finished;

    public ReferencePass(IReferencePlan plan, IActorRef owner)
    {
        (_plan, _owner) = (plan, owner);
        _thread = new DedicatedThread("reference cache", fault => owner.Tell(new Failed(RunFailure.Of(fault))));
        _queue = ChunkQueue.Of(plan.Chunks, plan.IsDone);
    }

    public sealed record Stored(int Done, int Total) : INoSerializationVerificationNeeded;

    public sealed record Completed : INoSerializationVerificationNeeded
    {
        public static Completed Instance { get; } = new();
    }

    public sealed record Failed(RunFailure Failure) : INoSerializationVerificationNeeded;

    public void Dispose() => _thread.Dispose();

    /// <summary>A generation has begun.</summary>
    public void Begin(Generation generation, Roster roster, Action<Rank, object> tell)
    {
        _generation = generation;
        (_queue, var assigned) = _queue.Begin(roster);
        _owner.Tell(new Stored(_queue.Done, _queue.Total));
        if (_queue.IsComplete) Finish();
        Assign(assigned, tell);
    }

    public void Scored(Rank rank, int chunk, float[] logProbabilities, Action<Rank, object> tell)
    {
        (_queue, var accepted, var assigned) = _queue.Scored(rank, chunk);
        if (accepted)
        {
            var stored = new Stored(_queue.Done, _queue.Total);
            OnDisk(() => _plan.Store(chunk, logProbabilities), stored);
            if (_queue.IsComplete) Finish();
        }
        Assign(assigned, tell);
    }

    private void Finish()
    {
        if (_finished) return;
        _finished = true;
        OnDisk(_plan.Complete, Completed.Instance);
    }

    private void Assign(ImmutableArray<(Rank Rank, int Chunk)> assigned, Action<Rank, object> tell)
    {
        foreach (var (rank, chunk) in assigned) tell(rank, new RankProtocol.ScoreChunk(_generation, default, chunk));
    }

    private void OnDisk(Action work, object then) => _thread.Post(() =>
    {
        work();
        _owner.Tell(then);
    });
}
