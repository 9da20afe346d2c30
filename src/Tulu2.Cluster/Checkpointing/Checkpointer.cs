using Akka.Actor;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Messages.Encoding;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Checkpointing;

/// <summary>Reports this node's durable shards, in messages that are never too long.</summary>
internal sealed class Checkpointer(IActorRef checkpoints) : UntypedActor
{
    // A name of 100 characters and four numbers for each of two dimensions come to less than 200 bytes.
    private const int BytesPerTensor = 256;
    internal const int TensorsPerPart = WireSerializer.MaxBytes / 2 / BytesPerTensor;

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RankProtocol.Told { Report: WorkerReport.ShardWritten written }:
                foreach (var part in PartsOf(written)) checkpoints.Tell(part);
                break;
            case RankProtocol.Told { Report: WorkerReport.SnapshotTaken taken }:
                checkpoints.Tell(new CheckpointProtocol.SnapshotTaken(taken.Rank, taken.Step, taken.Seconds));
                break;
            case RankProtocol.Told { Report: WorkerReport.SnapshotFailed failed }:
                checkpoints.Tell(new CheckpointProtocol.ShardFailed(failed.Rank, failed.Step, failed.Error));
                break;
        }
    }

    internal static IEnumerable<CheckpointProtocol.ShardPart> PartsOf(WorkerReport.ShardWritten written)
    {
        var (rank, step, shard) = written;
        var chunks = shard.Tensors.Chunk(TensorsPerPart).DefaultIfEmpty([]).ToArray();
        return chunks.Select((tensors, part) => new CheckpointProtocol.ShardPart(rank, step, shard.Sha256, shard.Bytes, part, chunks.Length, [.. tensors]));
    }
}

/// <summary>Puts the parts of a shard's entry together again.</summary>
internal sealed class ShardAssembly
{
    private readonly Dictionary<(Rank Rank, StepNumber Step, string Sha256), SortedDictionary<int, CheckpointProtocol.ShardPart>> _parts = [];

    /// <summary>The whole entry once its last part is here, else null.</summary>
    public ShardEntry? Add(CheckpointProtocol.ShardPart part)
    {
        var key = (part.Rank, part.Step, part.Sha256);
        if (!_parts.TryGetValue(key, out var parts)) _parts.Add(key, parts = []);
        parts[part.Part] = part;
        if (parts.Count < part.Parts) return null;
        _parts.Remove(key);
        return new ShardEntry(part.Sha256, part.Bytes, [.. parts.Values.SelectMany(p => p.Tensors)]);
    }

    /// <summary>Forgets parts of steps other than the one in flight.</summary>
    public void Clear() => _parts.Clear();
}
