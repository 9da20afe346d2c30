// N tokens, S of them this tensor-parallel rank's share, R scored rows, C vocabulary rows of this rank, D hidden.
using Tulu2.Data.Slots;
using Tulu2.Models.Families;
using Tulu2.Models.Kernels;
using Tulu2.Models.Linears;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>
/// A decoder over a flat weight buffer, with a hand-written reverse pass: plain code over plain tensors, so that memory is exact, an exception is an
/// exception, and every sum over a dimension that tensor parallelism cuts is a fixed tree over the map's virtual shards. On the map of a part it is one
/// pipeline stage, or one tensor-parallel rank of it. Several activations may be alive at once. One thread at a time.
/// </summary>
public sealed partial class DecoderModel : IDisposable
{
    /// <summary>
    /// Products with fewer rows take other kernels, in bf16 depending on how wide this rank's part is; filler rows keep a row's bits independent of how
    /// many there are.
    /// </summary>
    internal const int FewestRows = 16;

    private readonly bool _recompute, _split;
    private readonly SharedStreams _streams;
    private readonly Tensor? _embedding_CD;
    private readonly RmsNorm? _norm;
    private readonly VocabularyHead? _head;
    private readonly DecoderBlock[] _blocks;
    private readonly BlockContext _context;
    private readonly Stack<Workspace> _free = new();

    /// <summary>Working memory of one pass at a time; what a backward pass needs lies in the activations' own workspace.</summary>
    private readonly Workspace _scratch;

    private readonly ScalarType _type;
    private readonly Device _device;
    private bool _disposed;

    /// <param name="weights">Read at every call, never written.</param>
    /// <param name="recompute">Keep only each block's input and run the block again in the backward pass.</param>
    /// <param name="group">Continues the sums over virtual shards beyond this rank, in order of their tensor indices; null: it holds all of them.</param>
    /// <param name="splitActivations">Keep of residual streams only this rank's share of the rows, and gather the others in the backward pass.</param>
    public DecoderModel(ModelParameters parameters, ModelWeights weights, bool recompute = false, IShardSum? group = null, bool splitActivations = false)
        : this(parameters, weights, recompute, group ?? AllShardsHere.Instance, null, splitActivations)
    {
    }

    internal DecoderModel(ModelParameters parameters, ModelWeights weights, bool recompute, IShardSum group, BlockKernels? kernels, bool splitActivations = false)
    {
        var map = parameters.Read;
        if (group.Alone != (map.Part.TensorDegree == 1))
            throw new ArgumentException($"a tensor-parallel degree of {map.Part.TensorDegree} {(group.Alone ? "needs" : "has no use for")} a group", nameof(group));
        if (weights.Read.numel() != map.Length) throw new ArgumentException($"weights have {weights.Read.numel()} elements, their map {map.Length}");
        if (parameters.Adapter is not null && (weights.Adapters.numel() != parameters.Trained.Length || weights.Adapters.dtype != weights.Read.dtype))
            throw new ArgumentException($"adapters have {weights.Adapters.numel()} elements of {weights.Adapters.dtype}, their map {parameters.Trained.Length}, the model {weights.Read.dtype}");
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Parameters = parameters;
        _recompute = recompute;
        _type = weights.Read.dtype;
        _device = weights.Read.device;
        _scratch = new Workspace(_type, _device);
        _split = splitActivations && !group.Alone;
        _streams = new SharedStreams(map, group, _scratch);
        var heads = HeadGeometry.Of(map);
        kernels ??= BlockKernels.For(_type, _device.type, heads, new RotaryTable(map.Config.HeadSize, map.Config.RopeTheta, 256));
        _context = new BlockContext(parameters, heads, kernels, new Attention(heads, kernels), group);
        var linears = new LinearFactory(parameters, weights, new LinearContext(map.LocalShards, kernels, group));
        _blocks = [.. Enumerable.Range(map.Part.FirstLayer, map.Part.Layers).Select(layer => new DecoderBlock(_context, weights, linears, layer))];
        if (map.HasEmbedding) _embedding_CD = ParameterViews.Of(weights.Read, map["embed"]).DetachFromDisposeScope();
        if (!map.HasHead) return;
        _norm = new RmsNorm(parameters, weights.Read, "norm", kernels);
        _head = new VocabularyHead(linears.Of("head"), map, kernels, group);
    }

    public ModelParameters Parameters { get; }

    public ModelConfig Config => Parameters.Read.Config;

    /// <summary>Bytes allocated for passes: kept by activations that are not in use now, and worked in.</summary>
    internal (long Kept, long Scratch) AllocatedBytes => (_free.Sum(workspace => workspace.AllocatedBytes), _scratch.AllocatedBytes);

    private BlockKernels Kernels => _context.Kernels;
    private VocabularyHead Head => _head ?? throw NotHere("head");
    private Tensor Embedding_CD => _embedding_CD ?? throw NotHere("embedding");
    private RmsNorm Norm => _norm ?? throw NotHere("last norm");
    private bool IsFirstStage => Parameters.Read.HasEmbedding;
    private bool IsLastStage => Parameters.Read.HasHead;

    /// <summary>Rows of a batch's residual stream, filler included.</summary>
    public static int RowsOf(SlotBatch batch) => Math.Max(FewestRows, batch.Ids.Length);

    /// <summary>S: the tensor-parallel rank's own rows of these, which it receives from the stage before and sends to the next one.</summary>
    public long ShareOf(SlotBatch batch) => _streams.RowsOf(RowsOf(batch));

    /// <summary>Runs this stage's blocks, and on the last stage the last norm for the scored rows of the batch.</summary>
    /// <param name="keep">Keep the activations that the backward pass needs.</param>
    /// <param name="input_SD">[<see cref="ShareOf"/>, D] from the stage before, in the compute type; null on the first one. It is copied.</param>
    /// <param name="frozenOnly">The frozen model alone computes, without its adapters.</param>
    public Activations Forward(SlotBatch batch, bool keep, Tensor? input_SD = null, bool frozenOnly = false)
    {
        if (input_SD is null != IsFirstStage)
            throw new ArgumentException(IsFirstStage ? "the first stage takes its input from the batch" : "this stage needs the output of the one before", nameof(input_SD));
        CheckStream(input_SD, RowsOf(batch));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var activations = BeginPass(batch, keep, frozenOnly);
        try
        {
            if (IsLastStage) RentScoredRows(activations);
            var x_ND = activations.Keeping.Begin();
            if (input_SD is null) GatherEmbeddings(activations.Ids, x_ND);
            else _streams.Gather(input_SD, x_ND);
            foreach (var block in _blocks) x_ND = activations.Keeping.Forward(block, x_ND);
            activations.Keeping.End(x_ND);
            if (IsLastStage) TakeScoredRows(x_ND, activations);
            else activations.Output = activations.Keeping.Give(x_ND);
            return activations;
        }
        catch
        {
            activations.Dispose();
            throw;
        }
    }

    /// <summary>Each tensor-parallel rank has the rows of its own tokens; together they have all.</summary>
    private void GatherEmbeddings(int[] ids, Tensor result_ND)
    {
        Kernels.GatherEmbeddings(Embedding_CD, ids, Parameters.Read.FirstToken, result_ND);
        _context.Group.Sum(result_ND);
    }

    private Activations BeginPass(SlotBatch batch, bool keep, bool frozenOnly)
    {
        var workspace = _free.TryPop(out var free) ? free : new Workspace(_type, _device);
        workspace.Reset();
        _streams.BeginPass();
        _scratch.Reset();
        var (tokens, ids) = Filled(batch);
        if (Parameters.Adapter is { } adapter) tokens = tokens with { Adapters = frozenOnly ? AdapterPass.Off : DropoutRows.PassOf(adapter, batch, tokens.Count, keep) };
        var scored = batch.ScoredRows.Length;
        int[] targets = [.. batch.Targets, .. Enumerable.Repeat(0, Math.Max(0, FewestRows - scored))];
        var activations = new Activations(workspace, GiveBack, tokens, ids, batch.ScoredRows, targets, scored);
        activations.Keeping = !keep ? new NothingKept(_context, activations, _scratch, _streams)
            : _split ? new SharesKept(_context, activations, _scratch, _streams, _recompute)
            : new WholeStreamsKept(_context, activations, _scratch, _streams, _recompute);
        activations.Reversible = keep;
        return activations;
    }

    private void RentScoredRows(Activations activations)
    {
        var (kept, rows) = (activations.Workspace, activations.Targets.Length);
        activations.Last_RD = activations.Keep(kept.Rent(rows, Config.HiddenSize));
        activations.Hidden_RD = activations.Keep(kept.Rent(rows, Config.HiddenSize));
        activations.Scale_R = activations.Keep(kept.RentSingle(rows));
    }

    private void TakeScoredRows(Tensor x_ND, Activations activations)
    {
        Kernels.GatherRows(x_ND, activations.ScoredRows, activations.Last_RD);
        Norm.Forward(activations.Last_RD, activations.Hidden_RD, activations.Scale_R);
        activations.Keeping.Drop();
    }

    /// <summary>The batch's rows, with a segment of filler tokens after it where it is shorter than <see cref="FewestRows"/>.</summary>
    private static (TokenRows Tokens, int[] Ids) Filled(SlotBatch batch)
    {
        var missing = FewestRows - batch.Ids.Length;
        if (missing <= 0) return (new TokenRows(batch.Ids.Length, batch.Positions, SegmentGroup.Of(batch.SegmentLengths, batch.Prefixes)), batch.Ids);
        int[] positions = [.. batch.Positions, .. Enumerable.Range(0, missing)];
        return (new TokenRows(FewestRows, positions, SegmentGroup.Of([.. batch.SegmentLengths, missing], batch.Prefixes)), [.. batch.Ids, .. new int[missing]]);
    }

    private void CheckStream(Tensor? stream_SD, long rows)
    {
        var share = _streams.RowsOf(rows);
        if (stream_SD is not null && (stream_SD.shape is not [var given, var width] || given != share || width != Config.HiddenSize || stream_SD.dtype != _type))
            throw new ArgumentException($"a residual stream of {stream_SD.dtype} [{string.Join(", ", stream_SD.shape)}] in place of {_type} [{share}, {Config.HiddenSize}]");
    }

    private static InvalidOperationException NotHere(string what) => new($"this part of the model does not hold the {what}");

    private void GiveBack(Workspace workspace)
    {
        if (_disposed) workspace.Dispose();
        else _free.Push(workspace);
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var workspace in _free) workspace.Dispose();
        _free.Clear();
        _scratch.Dispose();
        foreach (var block in _blocks) block.Dispose();
        _head?.Dispose();
        _embedding_CD?.Dispose();
        _norm?.Dispose();
    }
}
