using Tulu2.Protocol.Ids;

namespace Tulu2.Cluster.Ranks;

/// <summary>A rank's worker has failed; its trainer is restarted with a new one.</summary>
internal sealed class RankFailedException(Rank rank, string error, string detail) : Exception(error)
{
    public Rank Rank { get; } = rank;

    /// <summary>The worker's own stack trace.</summary>
    public string Detail { get; } = detail;

    // What the log writes: the place where the worker failed, rather than that where its trainer heard of it.
    public override string ToString() => Detail.Length > 0 ? $"{Message}\n{Detail}" : base.ToString();
}
