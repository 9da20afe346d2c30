using System.Net;
using Tulu2.Models.Inference;

namespace Tulu2.Evaluation.Shards;

/// <summary>Starts processes that each hold a shard of a model.</summary>
public interface IShardHosting
{
    /// <summary>Takes a line about each process that is lost; null: nobody does.</summary>
    Action<string>? Say { get; }

    /// <summary>Key of the data plane between the shards.</summary>
    internal byte[] Key { get; }

    /// <summary>Where the first shard's process listens.</summary>
    internal IPAddress Listens { get; }

    /// <summary>The address at which a shard's process reaches the first one's.</summary>
    internal IPAddress AddressFor(int rank);

    /// <param name="rank">Of the shard, from 1: the first shard is the caller's own.</param>
    internal IShard Start(ShardOrder order, int rank);
}

/// <summary>What the shards are of.</summary>
/// <param name="Model">As <see cref="Generation.ModelFolders.Parse"/> takes it; the same path for all.</param>
/// <param name="Count">Number of shards.</param>
public sealed record ShardOrder(string Model, InferencePrecision Precision, int Count)
{
    /// <summary>Of the files of which the first shard is (<see cref="Generation.ModelFolders.Content"/>): all are of the same.</summary>
    public required string Content { get; init; }
}

/// <summary>The process of a shard, seen from that of the first one.</summary>
internal interface IShard : IDisposable
{
    /// <summary>Where its data plane is reached. Fails when the process is gone.</summary>
    Task<string> Endpoint { get; }

    /// <summary>Its weights are read. Fails when the process is gone, or the model cannot be used.</summary>
    Task Loaded { get; }

    /// <summary>Ends when the process is gone, with the reason.</summary>
    Task<string> Gone { get; }

    /// <summary>Lets it join a group and follow the first shard until the group ends.</summary>
    void Join(ShardGathering gathering);
}

/// <summary>A group of shards.</summary>
/// <param name="Generation">Greater than those before.</param>
/// <param name="Endpoints">By rank.</param>
/// <param name="Pages">Number of pages of the key-value cache.</param>
/// <param name="Threads">Threads that compute, of each process.</param>
internal sealed record ShardGathering(long Generation, IReadOnlyList<string> Endpoints, int Pages, int Threads);
