using Tulu2.Models.Families;
using Tulu2.Models.Parameters;

namespace Tulu2.Models.Kernels;

/// <summary>Where each head's columns lie in a rank's fused query-key-value product, <c>[shard 0: q k v][shard 1: q k v]...</c>. Pure arithmetic.</summary>
/// <param name="shards">Virtual shards of the rank.</param>
/// <param name="degree">Ranks that share the heads.</param>
internal sealed class HeadGeometry(ModelConfig config, int shards, int degree = 1)
{
    private readonly int _queryHeads = config.Heads / degree / shards, _keyHeads = config.KeyValueHeads / degree / shards;

    public static HeadGeometry Of(ParameterMap map) => new(map.Config, map.LocalShards, map.Part.TensorDegree);

    public int HeadSize { get; } = config.HeadSize;

    /// <summary>Heads of the rank.</summary>
    public int Heads { get; } = config.Heads / degree;
    public int KeyValueHeads { get; } = config.KeyValueHeads / degree;

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
