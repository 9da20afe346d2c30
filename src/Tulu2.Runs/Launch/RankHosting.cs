namespace Tulu2.Runs.Launch;

/// <summary>Where the ranks of a run compute.</summary>
internal abstract record RankHosting
{
    private RankHosting() { }

    /// <summary>Threads of this process.</summary>
    public sealed record Threads : RankHosting;

    /// <summary>One process per rank, on this node.</summary>
    public sealed record Processes : RankHosting;

    /// <summary>Processes of the other nodes of the cluster.</summary>
    /// <param name="Count">Node processes that this process starts; 0: they are already running.</param>
    /// <param name="RanksPerNode">Ranks per node.</param>
    public sealed record Nodes(int Count, int RanksPerNode) : RankHosting;
}
