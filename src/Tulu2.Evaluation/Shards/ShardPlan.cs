using System.Text;
using System.Text.Json.Serialization;
using Tulu2.Files;

namespace Tulu2.Evaluation.Shards;

/// <summary>How many processes hold a model between them, and where they are. Travels to evaluator processes as JSON.</summary>
public sealed record ShardPlan
{
    // Of the data plane.
    private const int ShortestKey = 16;

    /// <summary>One process holds all of it.</summary>
    public static ShardPlan Whole { get; } = new();

    /// <summary>Number of processes; no bit of a result depends on it.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Servers of all shards but the first, host:port each; empty: the processes are started on this machine.</summary>
    public IReadOnlyList<string> Servers { get; init; } = [];

    /// <summary>File with the servers' key.</summary>
    public string? KeyFile { get; init; }

    /// <summary>A folder that the servers see under the same path, in which models of checkpoints are made; null: models are where they are.</summary>
    public string? Folder { get; init; }

    /// <summary>The servers are arguments of a command: one that does not answer at first is a wrong one.</summary>
    public bool IsOfCommand { get; init; }

    /// <summary>There are <see cref="Servers"/>.</summary>
    [JsonIgnore]
    public bool IsRemote => Servers.Count > 0;

    /// <summary>What starts the processes.</summary>
    /// <param name="local">Starts them on this machine; null: it cannot.</param>
    /// <exception cref="BadInputException">An address or the key is of no use.</exception>
    public IShardHosting? Hosting(IShardHosting? local) => !IsRemote ? local
        : new RemoteShards([.. Servers.Select(server => ShardAddress.Parse("shard servers", server))], ReadKey(KeyFile!)) { Say = local?.Say, IsOfCommand = IsOfCommand };

    /// <exception cref="BadInputException">The file is not there, or its text is too short for a key.</exception>
    public static byte[] ReadKey(string file)
    {
        string text;
        try
        {
            text = File.ReadAllText(file).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(file, $"cannot be read: {FaultText.Of(error)}", "name a file with the key of the shard servers", error);
        }
        return text.Length >= ShortestKey ? Encoding.UTF8.GetBytes(text)
            : throw new BadInputException(file, $"has a key of {NumberText.Count(text.Length, "character")}", $"use {ShortestKey} or more, such as those of `openssl rand -hex 32`");
    }
}
