using System.Numerics;
using Tulu2.Checkpoints;
using Tulu2.Models.Families;

namespace Tulu2.Models.Parameters;

/// <summary>
/// Where every parameter of a model, or of one rank's part of it, lies in one flat buffer, cut into V virtual shards. Rows of column-parallel tensors
/// that are one product stand together in each virtual shard (<c>[shard 0: q k v][shard 1: q k v]...</c>, and gate and up); row-parallel matrices stay
/// whole and are cut by columns. All offsets are multiples of 16 elements, which element-wise kernels need to give equal bits for any cut. Pure
/// arithmetic: no tensor is touched.
/// </summary>
public sealed class ParameterMap
{
    public const int Alignment = 16;

    private readonly IReadOnlyList<ModelTensor> _tensors;
    private readonly Dictionary<string, ParameterMatrix> _matrices = [];
    private readonly SortedList<int, long> _layerStarts = [];
    private readonly List<ParameterSlice> _slices = [];

    /// <summary>All parameters of a model.</summary>
    /// <param name="part">The part of the model that the buffer holds; null: the whole model.</param>
    /// <exception cref="ArgumentException">
    /// The shards do not divide a dimension that they cut, or the part's tensor degree not the shards; stages of a tied model.
    /// </exception>
    public ParameterMap(ModelConfig config, int virtualShards, ModelPart? part = null) : this(config, config.Family.Tensors(config), virtualShards, part)
    {
    }

    /// <summary>Some tensors that belong to a model.</summary>
    /// <exception cref="ArgumentException">
    /// The shards do not divide a dimension that they cut, or the part's tensor degree not the shards; stages of a tied model.
    /// </exception>
    internal ParameterMap(ModelConfig config, IReadOnlyList<ModelTensor> tensors, int virtualShards, ModelPart? part = null)
    {
        if (virtualShards < 1 || !BitOperations.IsPow2(virtualShards)
            || config.KeyValueHeads % virtualShards != 0 || config.Heads % virtualShards != 0 || config.IntermediateSize % virtualShards != 0)
            throw new ArgumentException(
                $"{virtualShards} virtual shards (a power of two) do not divide {config.Heads} heads, {config.KeyValueHeads} key-value heads and a width of {config.IntermediateSize}",
                nameof(virtualShards));
        (_tensors, Config, VirtualShards) = (tensors, config, virtualShards);
        Part = part ?? ModelPart.Whole(config);
        Check(Part);
        LocalShards = virtualShards / Part.TensorDegree;
        foreach (var matrix in tensors.Where(tensor => Part.Holds(tensor.Layer, config)).GroupBy(tensor => tensor.Matrix)) Add(matrix.Key, [.. matrix]);
    }

    /// <summary>One tensor of a model, whole and row by row.</summary>
    public static ParameterMap OfTensor(ModelConfig config, string name) => new(config, [config.Family.Tensors(config).Single(tensor => tensor.Name == name)], virtualShards: 1);

    public ModelConfig Config { get; }

    /// <summary>V, over all ranks that share the matrices.</summary>
    public int VirtualShards { get; }

    public ModelPart Part { get; }

    /// <summary>Virtual shards in this buffer: V / tensor degree, from <see cref="FirstShard"/> on.</summary>
    public int LocalShards { get; }
    public int FirstShard => Part.TensorIndex * LocalShards;

    public bool HasEmbedding => Part.Holds(ModelTensor.BeforeLayers, Config);
    public bool HasHead => Part.Holds(Config.Layers, Config);
    public bool IsWhole => Part == ModelPart.Whole(Config);

    /// <summary>Rows of embedding and head over all ranks: the vocabulary, and with several virtual shards padding to a multiple of 16 for each.</summary>
    public int PaddedVocabulary => PadVocabulary(Config.VocabularySize, VirtualShards);

    /// <summary>Rows of embedding and head in this buffer, padding included, and the token that the first of them stands for.</summary>
    public int VocabularyRows => PaddedVocabulary / Part.TensorDegree;
    public int FirstToken => Part.TensorIndex * VocabularyRows;

    /// <summary>Feed-forward width in this buffer.</summary>
    public int LocalIntermediateSize => Config.IntermediateSize / Part.TensorDegree;

    /// <summary>Elements of the flat buffer, padding between parameters included.</summary>
    public long Length { get; private set; }

    /// <summary>The matrices in the order in which they lie.</summary>
    public IReadOnlyCollection<ParameterMatrix> Matrices => _matrices.Values;

    /// <summary>Every part of every Hugging Face tensor, in flat order.</summary>
    public IReadOnlyList<ParameterSlice> Slices => _slices;

    /// <summary>
    /// First elements of the tensors before the layers, of each layer, and of the tensors after them; ascending. A backward pass finishes the gradient
    /// from each of these on, from the last to the first.
    /// </summary>
    public IReadOnlyList<long> LayerStarts => [.. _layerStarts.Values];

    /// <summary>
    /// Keys as <see cref="ModelTensor.Matrix"/> has them: <c>embed</c>, <c>{layer}.norm1|qkv|o|norm2|gate_up|down</c>, <c>norm</c>, <c>head</c>
    /// (<c>embed</c> where tied).
    /// </summary>
    /// <exception cref="KeyNotFoundException">The map has no such matrix.</exception>
    public ParameterMatrix this[string key] => Find(key) ?? throw new KeyNotFoundException($"no matrix '{key}'");

    /// <returns>Null where the map has no such matrix.</returns>
    public ParameterMatrix? Find(string key) => _matrices.GetValueOrDefault(key == "head" && Config.TieEmbeddings ? "embed" : key);

    /// <summary>Elements of the whole tensors, whatever part of them the buffer holds.</summary>
    public long ParameterCount => _tensors.Sum(tensor => tensor.Length);

    /// <summary>Names and shapes of the whole tensors, in the order in which files hold them.</summary>
    public IReadOnlyList<(string Name, long[] Shape)> Tensors => [.. _tensors.Select(tensor => (tensor.Name, tensor.Shape))];

    /// <summary>The whole tensors that a matrix is made of, in its order.</summary>
    internal IReadOnlyList<ModelTensor> TensorsOf(string key) => [.. _tensors.Where(tensor => tensor.Matrix == key)];

    /// <summary>Key of the matrix that a whole tensor belongs to.</summary>
    internal string MatrixOf(string name) => _tensors.First(tensor => tensor.Name == name).Matrix;

    /// <summary>The same tensors of another part.</summary>
    public ParameterMap Of(ModelPart part) => new(Config, _tensors, VirtualShards, part);

    /// <summary>
    /// First element of a layer, or of the next one that the map holds. -1 means the tensors before the first layer, the number of layers those after the last.
    /// </summary>
    public long StartOf(int layer)
    {
        foreach (var (held, start) in _layerStarts)
            if (held >= layer) return start;
        return Length;
    }

    /// <summary>
    /// The largest power of two up to <paramref name="wanted"/> that divides key-value heads, and leaves every shard of the widths that are cut at least
    /// 16 wide and a multiple of 16 (narrower shards use other GEMM kernels and break equality: docs/reference/numerics.md, sizes). The vocabulary is padded instead.
    /// </summary>
    public static int LargestVirtualShards(ModelConfig config, int wanted)
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
        if (part.TensorIndex < 0 || part.TensorIndex >= part.TensorDegree) throw new ArgumentException($"tensor index {part.TensorIndex} is outside 0 to {part.TensorDegree - 1}", nameof(part));
        if (part.FirstLayer < 0 || part.FirstLayer >= part.EndLayer || part.EndLayer > Config.Layers)
            throw new ArgumentException($"layers {part.FirstLayer}..{part.EndLayer - 1} are no stage of {Config.Layers}", nameof(part));
        if (part.Layers < Config.Layers) PipelineStages.CheckUntied(Config);
    }

    private void Add(string key, ModelTensor[] tensors)
    {
        var first = tensors[0];
        var isFused = first.Role is TensorRole.ColumnWeight or TensorRole.ColumnBias or TensorRole.WholeMatrix;
        if (tensors.Any(tensor => tensor.Role != first.Role || tensor.Layer != first.Layer) || tensors.Length > 1 && !isFused)
            throw new ArgumentException($"tensors of matrix {key} are not of one kind, or of one that is not fused", nameof(tensors));
        _layerStarts.TryAdd(first.Layer, Length);
        switch (first.Role)
        {
            case TensorRole.Vocabulary: AddVocabulary(key, first); break;
            case TensorRole.ColumnWeight or TensorRole.ColumnBias: AddByOutputs(key, tensors); break;
            case TensorRole.RowWeight: AddByInputs(key, first); break;
            default: AddWhole(key, tensors); break;
        }
    }

    private ParameterMatrix Add(string key, long rows, long columns, ShardSplit split, long paddingRows = 0, long untrainedRows = 0)
    {
        var matrix = new ParameterMatrix(key, Length, rows, columns, split) { PaddingRows = paddingRows, UntrainedRows = untrainedRows };
        _matrices.Add(key, matrix);
        Length += (matrix.Length + Alignment - 1) / Alignment * Alignment;
        return matrix;
    }

    // A vector is one row; several matrices stand one after the other.
    private void AddWhole(string key, ModelTensor[] tensors)
    {
        var width = tensors[0].Shape[^1];
        var offset = Add(key, tensors.Sum(tensor => tensor.Length) / width, width, ShardSplit.None).Offset;
        foreach (var tensor in tensors)
        {
            _slices.Add(new(new TensorSlice(tensor.Name, tensor.Shape, new long[tensor.Shape.Length], tensor.Shape), offset, width) { Role = tensor.Role });
            offset += tensor.Length;
        }
    }

    private void AddVocabulary(string key, ModelTensor tensor)
    {
        long columns = tensor.Shape[1], real = Math.Clamp(Config.VocabularySize - FirstToken, 0, VocabularyRows);
        var used = Math.Clamp(Config.UsedVocabulary - FirstToken, 0, VocabularyRows);
        var offset = Add(key, VocabularyRows, columns, ShardSplit.Rows, VocabularyRows - real, VocabularyRows - used).Offset;
        if (real > 0) _slices.Add(new(new TensorSlice(tensor.Name, tensor.Shape, [FirstToken, 0], [real, columns]), offset, columns) { Role = tensor.Role });
    }

    private void AddByInputs(string key, ModelTensor tensor)
    {
        long rows = tensor.Shape[0], local = tensor.Shape[1] / Part.TensorDegree;
        var offset = Add(key, rows, local, ShardSplit.Columns).Offset;
        _slices.Add(new(new TensorSlice(tensor.Name, tensor.Shape, [0, Part.TensorIndex * local], [rows, local]), offset, local) { Role = tensor.Role });
    }

    // Of a bias the outputs of a virtual shard are one row, which nothing cuts.
    private void AddByOutputs(string key, ModelTensor[] tensors)
    {
        var outputs = tensors.Sum(tensor => tensor.Shape[0]) / VirtualShards;
        var isBias = tensors[0].Role == TensorRole.ColumnBias;
        var offset = Add(key, isBias ? LocalShards : outputs * LocalShards, isBias ? outputs : tensors[0].Shape[1], ShardSplit.Rows).Offset;
        for (var shard = FirstShard; shard < FirstShard + LocalShards; shard++)
            foreach (var tensor in tensors)
            {
                var rows = tensor.Shape[0] / VirtualShards;
                long[] others = tensor.Shape[1..], origin = new long[others.Length];
                var slice = new TensorSlice(tensor.Name, tensor.Shape, [shard * rows, .. origin], [rows, .. others]);
                _slices.Add(new(slice, offset, isBias ? rows : others[0]) { Role = tensor.Role });
                offset += slice.Length;
            }
    }
}
