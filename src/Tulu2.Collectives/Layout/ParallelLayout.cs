namespace Tulu2.Collectives.Layout;

/// <summary>Where one rank stands in a layout.</summary>
/// <param name="Data">Which replica, 0..data-1.</param>
/// <param name="Pipeline">Which stage of it.</param>
/// <param name="Tensor">Which part of each matrix.</param>
public readonly record struct RankPlace(int Data, int Pipeline, int Tensor);

/// <summary>
/// The degrees of data, pipeline and tensor parallelism, and over how many replicas the optimizer state is sharded (ZeRO-1; 1: every replica holds all of
/// it). Rank = (data * pipeline degree + stage) * tensor degree + tensor place: tensor-parallel ranks, which talk most, are neighbours, and a replica is a
/// contiguous run of ranks. Pure arithmetic: every rank comes to the same groups by itself.
/// </summary>
public sealed record ParallelLayout
{
    /// <exception cref="ArgumentException">A degree below 1, or replicas that do not divide into ZeRO groups.</exception>
    public ParallelLayout(int data, int tensor = 1, int pipeline = 1, int zero = 1)
    {
        if (data < 1 || tensor < 1 || pipeline < 1 || zero < 1) throw new ArgumentException($"degrees {data} x {tensor} x {pipeline}, zero {zero}: each must be at least 1");
        if (data % zero != 0) throw new ArgumentException($"{data} replicas do not divide into groups of {zero} that share the optimizer state", nameof(zero));
        (Data, Tensor, Pipeline, Zero) = (data, tensor, pipeline, zero);
    }

    public int Data { get; }
    public int Tensor { get; }
    public int Pipeline { get; }
    public int Zero { get; }

    /// <summary>Ranks of the whole layout.</summary>
    public int Size => Data * ReplicaSize;

    /// <summary>Ranks that together hold the parameters once.</summary>
    public int ReplicaSize => Tensor * Pipeline;

    public RankPlace PlaceOf(int rank)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, Size);
        return new RankPlace(rank / ReplicaSize, rank / Tensor % Pipeline, rank % Tensor);
    }

    public int RankAt(RankPlace place) => (place.Data * Pipeline + place.Pipeline) * Tensor + place.Tensor;

    /// <summary>The rank's part of the optimizer state, 0..zero-1, among the ranks that share its parameters.</summary>
    public int ZeroShardOf(int rank) => PlaceOf(rank).Data % Zero;

    /// <summary>Ranks that compute the parts of the same matrices for the same slots, in order of their tensor place.</summary>
    public IReadOnlyList<int> TensorGroup(int rank) => Where(rank, (place, mine) => place.Data == mine.Data && place.Pipeline == mine.Pipeline);

    /// <summary>Ranks that hold the same parameters, in order of their replica: they add up their slots' gradients.</summary>
    public IReadOnlyList<int> DataGroup(int rank) => Where(rank, (place, mine) => place.Pipeline == mine.Pipeline && place.Tensor == mine.Tensor);

    /// <summary>Ranks that share one copy of the optimizer state of the same parameters, in order of their shard.</summary>
    public IReadOnlyList<int> ZeroGroup(int rank) =>
        Where(rank, (place, mine) => place.Pipeline == mine.Pipeline && place.Tensor == mine.Tensor && place.Data / Zero == mine.Data / Zero);

    /// <summary>Ranks that hold the same parameters and the same shard of their optimizer state: each can give the others all that they need.</summary>
    public IReadOnlyList<int> Twins(int rank) =>
        Where(rank, (place, mine) => place.Pipeline == mine.Pipeline && place.Tensor == mine.Tensor && place.Data % Zero == mine.Data % Zero);

    /// <summary>The ranks around this one that together hold the whole state exactly once: all stages, parts and shards.</summary>
    public IReadOnlyList<int> WholeGroup(int rank) => Where(rank, (place, mine) => place.Data / Zero == mine.Data / Zero);

    /// <summary>The ranks of one replica, in order.</summary>
    public IReadOnlyList<int> Replica(int data) => [.. Enumerable.Range(data * ReplicaSize, ReplicaSize)];

    /// <summary>The rank of the next (or previous) stage with the same replica and tensor place; null behind the ends.</summary>
    public int? Neighbour(int rank, int stages)
    {
        var place = PlaceOf(rank);
        var stage = place.Pipeline + stages;
        return stage < 0 || stage >= Pipeline ? null : RankAt(place with { Pipeline = stage });
    }

    public override string ToString() => Zero == 1 ? $"{Data}x{Tensor}x{Pipeline}" : $"{Data}x{Tensor}x{Pipeline} zero {Zero}";

    private int[] Where(int rank, Func<RankPlace, RankPlace, bool> belongs)
    {
        var mine = PlaceOf(rank);
        return [.. Enumerable.Range(0, Size).Where(other => belongs(PlaceOf(other), mine))];
    }
}
