using System.Numerics;
using Tulu2.Checkpoints;

namespace Tulu2.Models.Llama;

/// <summary>One weight as the model computes with it: a matrix [Rows, Columns] (a norm weight has Rows = 1) at an offset of the flat buffer.</summary>
/// <param name="Offset">First element; a multiple of <see cref="FlatLayout.Alignment"/>.</param>
/// <param name="Split">How virtual shards cut it: contiguous blocks of rows, of columns, or not at all.</param>
public sealed record FlatMatrix(string Key, long Offset, long Rows, long Columns, ShardSplit Split)
{
    public long Length => Rows * Columns;

    /// <summary>Rows at the end that stand for no token and stay zero: what the vocabulary lacks of a multiple of 16 per virtual shard.</summary>
    public long PaddingRows { get; init; }

    /// <summary>Rows at the end that training leaves as they are: the padding, and tokens that the tokenizer lacks.</summary>
    public long UntrainedRows { get; init; }
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
/// Where every parameter of a model, or of one rank's part of it, lies in one flat buffer, cut into V virtual shards: q, k and v rows of a virtual shard
/// stand together (<c>[shard 0: q k v][shard 1: q k v]...</c>), so do gate and up; o_proj and down_proj stay whole and are cut by columns. All offsets are
/// multiples of 16 elements, which element-wise kernels need to give equal bits for any cut. Pure arithmetic: no tensor is touched.
/// </summary>
public sealed class FlatLayout
{
    public const int Alignment = 16;

    private readonly Dictionary<string, FlatMatrix> _matrices = [];
    private readonly List<FlatSlice> _slices = [];

    /// <param name="part">What the buffer holds; null: the whole model.</param>
    /// <exception cref="ArgumentException">The shards do not divide a dimension that they cut, or the part's tensor degree not the shards; stages of a tied model.</exception>
    public FlatLayout(LlamaConfig config, int virtualShards, ModelPart? part = null)
    {
        if (virtualShards < 1 || !BitOperations.IsPow2(virtualShards)
            || config.KeyValueHeads % virtualShards != 0 || config.Heads % virtualShards != 0 || config.IntermediateSize % virtualShards != 0)
            throw new ArgumentException(
                $"{virtualShards} virtual shards (a power of two) do not divide {config.Heads} heads, {config.KeyValueHeads} key-value heads and a width of {config.IntermediateSize}",
                nameof(virtualShards));
        Config = config;
        VirtualShards = virtualShards;
        Part = part ?? ModelPart.Whole(config);
        Check(Part);
        LocalShards = virtualShards / Part.TensorDegree;
        var hidden = config.HiddenSize;
        int queryRows = config.QueryWidth / virtualShards, keyRows = config.KeyValueWidth / virtualShards;
        int feedRows = config.IntermediateSize / virtualShards;

        if (HasEmbedding) AddVocabulary("embed", "model.embed_tokens.weight");
        for (var layer = Part.FirstLayer; layer < Part.EndLayer; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            AddNorm($"{layer}.norm1", prefix + "input_layernorm.weight", hidden);
            AddFused($"{layer}.qkv", hidden,
                (prefix + "self_attn.q_proj.weight", queryRows), (prefix + "self_attn.k_proj.weight", keyRows), (prefix + "self_attn.v_proj.weight", keyRows));
            AddColumns($"{layer}.o", prefix + "self_attn.o_proj.weight", hidden, config.QueryWidth);
            AddNorm($"{layer}.norm2", prefix + "post_attention_layernorm.weight", hidden);
            AddFused($"{layer}.gate_up", hidden, (prefix + "mlp.gate_proj.weight", feedRows), (prefix + "mlp.up_proj.weight", feedRows));
            AddColumns($"{layer}.down", prefix + "mlp.down_proj.weight", hidden, config.IntermediateSize);
        }
        if (HasHead) AddNorm("norm", "model.norm.weight", hidden);
        if (HasHead && !config.TieEmbeddings) AddVocabulary("head", "lm_head.weight");
        if (IsWhole && _slices.Sum(slice => slice.Slice.Length) is var laid && laid != config.ParameterCount)
            throw new InvalidOperationException($"the layout has {laid} parameters, but its model {config.ParameterCount}");
    }

    public LlamaConfig Config { get; }

    /// <summary>V, over all ranks that share the matrices.</summary>
    public int VirtualShards { get; }

    public ModelPart Part { get; }

    /// <summary>Virtual shards in this buffer: V / tensor degree, from <see cref="FirstShard"/> on.</summary>
    public int LocalShards { get; }
    public int FirstShard => Part.TensorPlace * LocalShards;

    public bool HasEmbedding => Part.FirstLayer == 0;
    public bool HasHead => Part.EndLayer == Config.Layers;
    public bool IsWhole => Part == ModelPart.Whole(Config);

    /// <summary>Rows of embedding and head over all ranks: the vocabulary, and with several virtual shards padding to a multiple of 16 for each.</summary>
    public int PaddedVocabulary => PadVocabulary(Config.VocabularySize, VirtualShards);

    /// <summary>Rows of embedding and head in this buffer, padding included, and the token that the first of them stands for.</summary>
    public int VocabularyRows => PaddedVocabulary / Part.TensorDegree;
    public int FirstToken => Part.TensorPlace * VocabularyRows;

    /// <summary>Feed-forward width in this buffer.</summary>
    public int LocalIntermediateSize => Config.IntermediateSize / Part.TensorDegree;

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
    /// 16 wide and a multiple of 16 (narrower shards use other GEMM kernels and break equality: docs/reference/numerics.md, sizes). The vocabulary is padded instead.
    /// </summary>
    public static int LargestVirtualShards(LlamaConfig config, int wanted)
    {
        for (var v = 1 << BitOperations.Log2((uint)Math.Max(1, wanted)); v > 1; v /= 2)
            if (config.KeyValueHeads % v == 0 && config.Heads % v == 0 && Divides(config.KeyValueWidth, v) && Divides(config.QueryWidth, v)
                && Divides(config.IntermediateSize, v)) return v;
        return 1;

        static bool Divides(int width, int v) => width % (v * Alignment) == 0;
    }

    // One virtual shard is never cut, so that it needs no padding.
    internal static int PadVocabulary(int vocabulary, int virtualShards)
    {
        var multiple = virtualShards == 1 ? 1 : virtualShards * Alignment;
        return (vocabulary + multiple - 1) / multiple * multiple;
    }

    private void Check(ModelPart part)
    {
        if (part.TensorDegree < 1 || VirtualShards % part.TensorDegree != 0)
            throw new ArgumentException(
                $"a tensor-parallel degree of {part.TensorDegree} does not divide {VirtualShards} virtual shards: a rank holds whole ones", nameof(part));
        if (part.TensorPlace < 0 || part.TensorPlace >= part.TensorDegree) throw new ArgumentException($"no place {part.TensorPlace} of {part.TensorDegree}", nameof(part));
        if (part.FirstLayer < 0 || part.FirstLayer >= part.EndLayer || part.EndLayer > Config.Layers)
            throw new ArgumentException($"layers {part.FirstLayer}..{part.EndLayer - 1} are no stage of {Config.Layers}", nameof(part));
        if (part.Layers < Config.Layers) PipelineStages.CheckUntied(Config);
    }

    private FlatMatrix Add(string key, long rows, long columns, ShardSplit split, long paddingRows = 0, long untrainedRows = 0)
    {
        var matrix = new FlatMatrix(key, Length, rows, columns, split) { PaddingRows = paddingRows, UntrainedRows = untrainedRows };
        _matrices.Add(key, matrix);
        Length += (matrix.Length + Alignment - 1) / Alignment * Alignment;
        return matrix;
    }

    private void AddNorm(string key, string name, int width) =>
        _slices.Add(new FlatSlice(new TensorSlice(name, [width], [0], [width]), Add(key, 1, width, ShardSplit.None).Offset, width));

    private void AddVocabulary(string key, string name)
    {
        long columns = Config.HiddenSize, real = Math.Clamp(Config.VocabularySize - FirstToken, 0, VocabularyRows);
        var used = Math.Clamp(Config.UsedVocabulary - FirstToken, 0, VocabularyRows);
        var offset = Add(key, VocabularyRows, columns, ShardSplit.Rows, VocabularyRows - real, VocabularyRows - used).Offset;
        if (real > 0) _slices.Add(new FlatSlice(new TensorSlice(name, [Config.VocabularySize, columns], [FirstToken, 0], [real, columns]), offset, columns));
    }

    private void AddColumns(string key, string name, int rows, int columns)
    {
        var local = columns / Part.TensorDegree;
        _slices.Add(new FlatSlice(
            new TensorSlice(name, [rows, columns], [0, (long)Part.TensorPlace * local], [rows, local]), Add(key, rows, local, ShardSplit.Columns).Offset, local));
    }

    private void AddFused(string key, int columns, params (string Name, int ShardRows)[] parts)
    {
        var offset = Add(key, (long)parts.Sum(p => p.ShardRows) * LocalShards, columns, ShardSplit.Rows).Offset;
        for (var shard = FirstShard; shard < FirstShard + LocalShards; shard++)
            foreach (var (name, rows) in parts)
            {
                _slices.Add(new FlatSlice(new TensorSlice(name, [(long)rows * VirtualShards, columns], [(long)shard * rows, 0], [rows, columns]), offset, columns));
                offset += (long)rows * columns;
            }
    }
}
