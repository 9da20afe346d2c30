using System.Collections.Immutable;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.WorkQueues;

/// <summary>
/// Which replica scores which chunk of a pass: the reference pass, or a validation. A replica has one chunk to score and one to come; each chunk counts once. Immutable.
/// </summary>
public sealed record ChunkQueue
{
    private const int HeldPerReplica = 2;

    // A rank that fails is limited by its supervisor; chunks are not.
    private const int Attempts = int.MaxValue;

    private ChunkQueue(LeaseQueue<int> chunks) => Chunks = chunks;

    // Null: no generation has begun.
    private Roster? Roster { get; init; }
    private LeaseQueue<int> Chunks { get; init; }

    public int Total => Chunks.Total;
    public int Done => Chunks.Done;
    public bool IsComplete => Chunks.IsComplete;

    /// <param name="isDone">Chunks that were scored by an earlier run.</param>
    public static ChunkQueue Of(int chunks, Func<int, bool>? isDone = null) =>
        new(LeaseQueue<int>.Of(Enumerable.Range(0, chunks), Attempts, isDone));

    /// <summary>A generation has begun: what older ones held is assigned again; should they still answer, that counts.</summary>
    public (ChunkQueue Next, ImmutableArray<(Rank Rank, int Chunk)> Assigned) Begin(Roster roster)
    {
        var (next, assigned) = (this with { Chunks = Chunks.Recall(), Roster = roster }, ImmutableArray.CreateBuilder<(Rank, int)>());
        for (var replica = 0; replica < roster.Layout.Data; replica++) next = next.Assign(replica, assigned);
        return (next, assigned.ToImmutable());
    }

    /// <summary>A rank has scored a chunk with the others of its replica.</summary>
    /// <returns>Accepted: the first answer for this chunk.</returns>
    public (ChunkQueue Next, bool Accepted, ImmutableArray<(Rank Rank, int Chunk)> Assigned) Scored(Rank rank, int chunk)
    {
        var (chunks, accepted) = Chunks.Complete(chunk);
        var assigned = ImmutableArray.CreateBuilder<(Rank, int)>();
        var next = this with { Chunks = chunks };
        // An answer of an older generation counts; whoever gave it may not take part any more.
        if (Roster?.Contains(rank) == true) next = next.Assign(Roster.ReplicaOf(rank), assigned);
        return (next, accepted, assigned.ToImmutable());
    }

    // Every rank of a replica does its part of a chunk, in the same order.
    private ChunkQueue Assign(int replica, ImmutableArray<(Rank, int)>.Builder assigned)
    {
        var chunks = Chunks;
        while (chunks.HeldBy($"{replica}") < HeldPerReplica)
        {
            (chunks, var lease) = chunks.Take($"{replica}", TimeSpan.Zero, TimeSpan.MaxValue);
            if (lease is null) break;
            assigned.AddRange(Roster!.Replica(replica).Select(rank => (rank, lease.Work)));
        }
        return this with { Chunks = chunks };
    }
}
