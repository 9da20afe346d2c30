using System.Numerics;
using Tulu2.Checkpoints;

namespace Tulu2.Models.Llama;

/// <summary>One weight as the model computes with it: a matrix [Rows, Columns] (a norm weight has Rows = 1) at an offset of the flat buffer.</summary>
/// <param name="Offset">First element; a multiple of <see cref="FlatLayout.Alignment"/>.</param>
/// <param name="Split">How virtual shards cut it: contiguous blocks of rows, of columns, or not at all.</param>
public sealed record FlatMatrix(string Key, long Offset, long Rows, long Columns, ShardSplit Split)
{
    public long Length => Rows * Columns;
}

public enum ShardSplit
{
    None,
    Rows,
    Columns,
}

/// <summary>
/// A part of a Hugging Face tensor and where its rows lie in the flat buffer: row r of the slice starts at
/// <paramref name="Offset"/> + r * <paramref name="RowStride"/> (a one-dimensional tensor is one row).
/// </summary>
public sealed record FlatSlice(TensorSlice Slice, long Offset, long RowStride);

/// <summary>
/// Where every parameter of a model lies in one flat buffer, cut into V virtual shards: q, k and v rows of a virtual shard stand together
/// (<c>[shard 0: q k v][shard 1: q k v]...</c>), so do gate and up; o_proj and down_proj stay whole and are cut by columns. All offsets are multiples
/// of 16 elements, which element-wise kernels need to give equal bits for any cut. Pure arithmetic: no tensor is touched.
/// </summary>
public sealed class FlatLayout
{
    public const int Alignment = 16;

    private readonly Dictionary<string, FlatMatrix> _matrices = [];
    private readonly List<FlatSlice> _slices = [];

    /// <exception cref="ArgumentException">The shards do not divide a dimension that they cut.</exception>
    public FlatLayout(LlamaConfig config, int virtualShards)
    {
        if (virtualShards < 1 || config.KeyValueHeads % virtualShards != 0 || config.Heads % virtualShards != 0 || config.IntermediateSize % virtualShards != 0)
            throw new ArgumentException(
                $"{virtualShards} virtual shards do not divide {config.Heads} heads, {config.KeyValueHeads} key-value heads and a width of {config.IntermediateSize}", nameof(virtualShards));
        Config = config;
        VirtualShards = virtualShards;
        var hidden = config.HiddenSize;
        int queryRows = config.QueryWidth / virtualShards, keyRows = config.KeyValueWidth / virtualShards;
        int feedRows = config.IntermediateSize / virtualShards;

        AddWhole("embed", "model.embed_tokens.weight", config.VocabularySize, hidden, ShardSplit.Rows);
        for (var layer = 0; layer < config.Layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            AddNorm($"{layer}.norm1", prefix + "input_layernorm.weight", hidden);
            AddFused($"{layer}.qkv", hidden,
                (prefix + "self_attn.q_proj.weight", queryRows), (prefix + "self_attn.k_proj.weight", keyRows), (prefix + "self_attn.v_proj.weight", keyRows));
            AddWhole($"{layer}.o", prefix + "self_attn.o_proj.weight", hidden, config.QueryWidth, ShardSplit.Columns);
            AddNorm($"{layer}.norm2", prefix + "post_attention_layernorm.weight", hidden);
            AddFused($"{layer}.gate_up", hidden, (prefix + "mlp.gate_proj.weight", feedRows), (prefix + "mlp.up_proj.weight", feedRows));
            AddWhole($"{layer}.down", prefix + "mlp.down_proj.weight", hidden, config.IntermediateSize, ShardSplit.Columns);
        }
        AddNorm("norm", "model.norm.weight", hidden);
        if (!config.TieEmbeddings) AddWhole("head", "lm_head.weight", config.VocabularySize, hidden, ShardSplit.Rows);
        if (Matrices.Sum(matrix => matrix.Length) is var laid && laid != config.ParameterCount)
            throw new InvalidOperationException($"the layout has {laid} parameters, but its model {config.ParameterCount}");
    }

    public LlamaConfig Config { get; }
    public int VirtualShards { get; }

    /// <summary>Elements of the flat buffer, padding between parameters included.</summary>
    public long Length { get; private set; }

    /// <summary>The matrices in the order in which they lie.</summary>
    public IReadOnlyCollection<FlatMatrix> Matrices => _matrices.Values;

    /// <summary>Every part of every Hugging Face tensor, in flat order.</summary>
    public IReadOnlyList<FlatSlice> Slices => _slices;

    /// <summary>Keys: <c>embed</c>, <c>{layer}.norm1|qkv|o|norm2|gate_up|down</c>, <c>norm</c>, <c>head</c> (<c>embed</c> where tied).</summary>
    public FlatMatrix this[string key] => _matrices[key == "head" && Config.TieEmbeddings ? "embed" : key];

    /// <summary>
    /// The largest power of two up to <paramref name="wanted"/> that divides key-value heads, and leaves every shard of the widths that are cut at least
    /// 16 wide and a multiple of 16 (narrower shards use other GEMM kernels and break equality: bitwise-notes section 2).
    /// </summary>
    public static int LargestVirtualShards(LlamaConfig config, int wanted)
    {
        for (var v = 1 << BitOperations.Log2((uint)Math.Max(1, wanted)); v > 1; v /= 2)
            if (config.KeyValueHeads % v == 0 && config.Heads % v == 0 && Divides(config.KeyValueWidth, v) && Divides(config.QueryWidth, v)
                && Divides(config.IntermediateSize, v) && Divides(config.VocabularySize, v)) return v;
        return 1;

        static bool Divides(int width, int v) => width % (v * Alignment) == 0;
    }

    private FlatMatrix Add(string key, long rows, long columns, ShardSplit split)
    {
        var matrix = new FlatMatrix(key, Length, rows, columns, split);
        _matrices.Add(key, matrix);
        Length += (matrix.Length + Alignment - 1) / Alignment * Alignment;
        return matrix;
    }

    private void AddNorm(string key, string name, int width) =>
        _slices.Add(new FlatSlice(new TensorSlice(name, [width], [0], [width]), Add(key, 1, width, ShardSplit.None).Offset, width));

    private void AddWhole(string key, string name, int rows, int columns, ShardSplit split) =>
        _slices.Add(new FlatSlice(new TensorSlice(name, [rows, columns], [0, 0], [rows, columns]), Add(key, rows, columns, split).Offset, columns));

    private void AddFused(string key, int columns, params (string Name, int ShardRows)[] parts)
    {
        var offset = Add(key, (long)parts.Sum(p => p.ShardRows) * VirtualShards, columns, ShardSplit.Rows).Offset;
        for (var shard = 0; shard < VirtualShards; shard++)
            foreach (var (name, rows) in parts)
            {
                _slices.Add(new FlatSlice(new TensorSlice(name, [(long)rows * VirtualShards, columns], [(long)shard * rows, 0], [rows, columns]), offset, columns));
                offset += (long)rows * columns;
            }
    }
}
