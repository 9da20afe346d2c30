namespace Tulu2.Models.Llama;

/// <summary>Where each head's columns lie in the fused query-key-value product, <c>[shard 0: q k v][shard 1: q k v]...</c>. Pure arithmetic.</summary>
internal sealed class HeadGeometry(LlamaConfig config, int shards)
{
    private readonly int _queryHeads = config.Heads / shards, _keyHeads = config.KeyValueHeads / shards;

    public int HeadSize { get; } = config.HeadSize;
    public int Heads { get; } = config.Heads;
    public int KeyValueHeads { get; } = config.KeyValueHeads;

    /// <summary>Query heads that share a key-value head.</summary>
    public int Group { get; } = config.Heads / config.KeyValueHeads;

    public int QueryWidth => Heads * HeadSize;
    public int KeyValueWidth => KeyValueHeads * HeadSize;
    public int FusedWidth => QueryWidth + 2 * KeyValueWidth;
    public float Scale { get; } = (float)(1 / Math.Sqrt(config.HeadSize));

    public int QueryColumn(int head) => (head / _queryHeads * (_queryHeads + 2 * _keyHeads) + head % _queryHeads) * HeadSize;

    public int KeyColumn(int head) => (head / _keyHeads * (_queryHeads + 2 * _keyHeads) + _queryHeads + head % _keyHeads) * HeadSize;

    public int ValueColumn(int head) => KeyColumn(head) + _keyHeads * HeadSize;
}
