using System.Collections.Immutable;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.WorkQueues;

/// <summary>The chunks of one step's validation: which replica scores which, and what has come back. Chunks that are scored stay so in a new generation. Immutable.</summary>
public sealed record ValidationRound
{
    private readonly int _chunks;

    private ValidationRound(int chunks) => (_chunks, Queue) = (chunks, ChunkQueue.Of(chunks));

    private StepNumber? Step { get; init; }
    private ChunkQueue Queue { get; init; }
    private ImmutableSortedDictionary<int, float[]> Scores { get; init; } = ImmutableSortedDictionary<int, float[]>.Empty;

    public static ValidationRound Of(int chunks) => new(chunks);

    /// <summary>A step's validation begins, or goes on in a new generation.</summary>
    public (ValidationRound Next, ImmutableArray<(Rank Rank, int Chunk)> Assigned) Begin(StepNumber step, Roster roster)
    {
        var round = step == Step ? this : new ValidationRound(_chunks) { Step = step };
        var (queue, assigned) = round.Queue.Begin(roster);
        return (round with { Queue = queue }, assigned);
    }

    /// <summary>A rank has scored a chunk with the others of its replica.</summary>
    /// <returns>Complete: the log-probabilities of all chunks, in their order, once; null before and after.</returns>
    public (ValidationRound Next, IReadOnlyList<float[]>? Complete, ImmutableArray<(Rank Rank, int Chunk)> Assigned) Scored(
        Rank rank, StepNumber step, int chunk, float[] logProbabilities)
    {
        if (step != Step) return (this, null, []);
        var (queue, accepted, assigned) = Queue.Scored(rank, chunk);
        var next = this with { Queue = queue, Scores = accepted ? Scores.Add(chunk, logProbabilities) : Scores };
        return (next, accepted && queue.IsComplete ? [.. next.Scores.Values] : null, assigned);
    }
}
