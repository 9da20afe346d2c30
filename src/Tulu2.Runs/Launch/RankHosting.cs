namespace Tulu2.Runs.Launch;

/// <summary>What plays the ranks of a run.</summary>
internal abstract record RankHosting
{
    private RankHosting() { }

    /// <summary>Threads of this process.</summary>
    public sealed record Threads : RankHosting;

    /// <summary>A process for each, of this one's node.</summary>
    public sealed record Processes : RankHosting;

    /// <summary>Processes of the other nodes of the cluster.</summary>
    /// <param name="Count">Node processes that this one starts; 0: they are there already.</param>
    /// <param name="RanksPerNode">Places on each of them.</param>
    public sealed record Nodes(int Count, int RanksPerNode) : RankHosting;
}
