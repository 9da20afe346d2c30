namespace Tulu2.Collectives.Layout;

/// <summary>
/// The degrees of data, tensor and pipeline parallelism, and the number of replicas over which the optimizer state is sharded (ZeRO-1; with 1 every replica
/// holds all of it). Rank = (replica * pipeline degree + stage) * tensor degree + tensor index: tensor-parallel ranks, which communicate most, are neighbours,
/// and a replica is a contiguous run of ranks. Pure arithmetic: every rank derives the same groups without communication.
/// </summary>
public sealed record ParallelLayout
{
    /// <exception cref="ArgumentException">A degree below 1, or a number of replicas that is not a multiple of <paramref name="zero"/>.</exception>
    public ParallelLayout(int data, int tensor = 1, int pipeline = 1, int zero = 1)
    {
        if (data < 1 || tensor < 1 || pipeline < 1 || zero < 1)
            throw new ArgumentException($"layout {data} x {tensor} x {pipeline}, zero {zero}: each degree must be at least 1");
        if (data % zero != 0)
            throw new ArgumentException($"{data} replicas cannot be divided into groups of {zero} that share the optimizer state", nameof(zero));
        (Data, Tensor, Pipeline, Zero) = (data, tensor, pipeline, zero);
    }

    public int Data { get; }
    public int Tensor { get; }
    public int Pipeline { get; }

    /// <summary>Number of shards of the optimizer state.</summary>
    public int Zero { get; }

    /// <summary>Ranks in the whole layout.</summary>
    public int Size => Data * ReplicaSize;

    /// <summary>Ranks that together hold the parameters once.</summary>
    public int ReplicaSize => Tensor * Pipeline;

    /// <summary>The smallest layout with the same degrees: its ranks hold the whole state once. A larger one consists of copies of it, and each rank has the part of its number modulo this layout's size.</summary>
    public ParallelLayout OfOneCopy() => WithData(Zero);

    /// <summary>Ranks that together hold the whole state once: those of <see cref="OfOneCopy"/>.</summary>
    public int CopySize => Zero * ReplicaSize;

    public ParallelLayout WithData(int data) => new(data, Tensor, Pipeline, Zero);

    /// <summary>Every rank's state is held by another rank too.</summary>
    public bool HasTwins => Data > Zero;

    /// <summary>No rank has a twin, and there is another one that could keep a copy of its state.</summary>
    public bool MayKeepCopies => Size > 1 && !HasTwins;

    public RankCoordinates CoordinatesOf(int rank)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, Size);
        return new RankCoordinates(rank / ReplicaSize, rank / Tensor % Pipeline, rank % Tensor);
    }

    public int RankAt(RankCoordinates at) => (at.Data * Pipeline + at.Pipeline) * Tensor + at.Tensor;

    /// <summary>Index of the rank's optimizer shard, 0..<see cref="Zero"/>-1, among the ranks that hold the same parameters.</summary>
    public int ZeroShardOf(int rank) => CoordinatesOf(rank).Data % Zero;

    /// <summary>Ranks that hold the parts of the same matrices and compute the same slots, ordered by tensor index.</summary>
    public IReadOnlyList<int> TensorGroup(int rank) => Where(rank, (other, own) => other.Data == own.Data && other.Pipeline == own.Pipeline);

    /// <summary>Ranks that hold the same parameters, ordered by replica: they sum the gradients of their slots.</summary>
    public IReadOnlyList<int> DataGroup(int rank) => Where(rank, (other, own) => HaveSameParameters(other, own));

    /// <summary>Ranks that share one copy of the optimizer state of the same parameters, ordered by shard.</summary>
    public IReadOnlyList<int> ZeroGroup(int rank) => Where(rank, (other, own) => HaveSameParameters(other, own) && other.Data / Zero == own.Data / Zero);

    /// <summary>Ranks that hold the same parameters and the same shard of their optimizer state: each can restore the state of the others.</summary>
    public IReadOnlyList<int> Twins(int rank) => Where(rank, (other, own) => HaveSameParameters(other, own) && other.Data % Zero == own.Data % Zero);

    /// <summary>This rank and the others that together hold the whole state exactly once: all stages, tensor parts and optimizer shards.</summary>
    public IReadOnlyList<int> WholeGroup(int rank) => Where(rank, (other, own) => other.Data / Zero == own.Data / Zero);

    /// <summary>The ranks of one replica, ascending.</summary>
    public IReadOnlyList<int> Replica(int data) => [.. Enumerable.Range(data * ReplicaSize, ReplicaSize)];

    /// <summary>
    /// The rank <paramref name="stages"/> pipeline stages further (or back, if negative) with the same replica and tensor index; null beyond the ends.
    /// </summary>
    public int? Neighbour(int rank, int stages)
    {
        var own = CoordinatesOf(rank);
        var stage = own.Pipeline + stages;
        return stage < 0 || stage >= Pipeline ? null : RankAt(own with { Pipeline = stage });
    }

    public override string ToString() => Zero == 1 ? $"{Data}x{Tensor}x{Pipeline}" : $"{Data}x{Tensor}x{Pipeline} zero {Zero}";

    private static bool HaveSameParameters(RankCoordinates one, RankCoordinates other) => one.Pipeline == other.Pipeline && one.Tensor == other.Tensor;

    private int[] Where(int rank, Func<RankCoordinates, RankCoordinates, bool> belongs)
    {
        var own = CoordinatesOf(rank);
        return [.. Enumerable.Range(0, Size).Where(other => belongs(CoordinatesOf(other), own))];
    }
}
