using System.Collections.Immutable;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Workers;

/// <summary>
/// The ranks of a generation: whole copies of the model and its optimizer state, all that a run has or some of them. A rank keeps its number; on the data plane it has its
/// place among those that take part.
/// </summary>
public sealed class Roster
{
    /// <param name="run">A layout with the same tensor, pipeline and ZeRO degrees.</param>
    /// <param name="ranks">Those that take part: all ranks of each copy.</param>
    /// <exception cref="ArgumentException">Ranks of a copy are missing.</exception>
    public Roster(ParallelLayout run, IEnumerable<Rank> ranks)
    {
        Ranks = [.. ranks.Order()];
        var copy = run.CopySize;
        for (var place = 0; place < Ranks.Length; place++)
            if (Ranks[place] % copy != place % copy || Ranks[place] / copy != Ranks[place - place % copy] / copy)
                throw new ArgumentException($"ranks {string.Join(", ", Ranks)} are not whole copies of {copy} ranks", nameof(ranks));
        if (Ranks.Length == 0 || Ranks.Length % copy != 0) throw new ArgumentException($"{Ranks.Length} ranks are not whole copies of {copy} ranks", nameof(ranks));
        Layout = run.WithData(Ranks.Length / run.ReplicaSize);
    }

    /// <summary>Every rank of a layout.</summary>
    public static Roster Whole(ParallelLayout layout) => new(layout, Rank.All(layout.Size));

    /// <summary>By place: which rank it is. Ascending.</summary>
    public ImmutableArray<Rank> Ranks { get; }

    /// <summary>The layout of those that take part; its ranks are places.</summary>
    public ParallelLayout Layout { get; }

    public bool Contains(Rank rank) => Ranks.BinarySearch(rank) >= 0;

    /// <exception cref="ArgumentException">It does not take part.</exception>
    public int PlaceOf(Rank rank) => Ranks.BinarySearch(rank) is >= 0 and var place ? place : throw new ArgumentException($"rank {rank} does not take part", nameof(rank));

    /// <summary>Its replica, counted among those that take part.</summary>
    public int ReplicaOf(Rank rank) => Layout.CoordinatesOf(PlaceOf(rank)).Data;

    /// <summary>The ranks of a replica, ascending.</summary>
    public IReadOnlyList<Rank> Replica(int replica) => At(Layout.Replica(replica));

    /// <summary>Ranks with exactly the same state, this one among them, ascending.</summary>
    public IReadOnlyList<Rank> Twins(Rank rank) => At(Layout.Twins(PlaceOf(rank)));

    public bool IsSame(Roster other) => Ranks.AsSpan().SequenceEqual(other.Ranks.AsSpan());

    private Rank[] At(IEnumerable<int> places) => [.. places.Select(place => Ranks[place])];
}
