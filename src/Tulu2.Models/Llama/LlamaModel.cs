// N tokens, R scored rows, D hidden.
using Tulu2.Data.Slots;
using Tulu2.Models.Llama.Kernels;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Llama;

/// <summary>
/// A Llama decoder over a flat weight buffer, with a hand-written reverse pass: plain code over plain tensors, so that memory is exact, an exception is an
/// exception, and every sum over what tensor parallelism cuts is a fixed tree over the layout's virtual shards. On a layout of a part it is one pipeline
/// stage, or one tensor-parallel rank of it. Several activations may be alive at once. One thread at a time.
/// </summary>
public sealed partial class LlamaModel : IDisposable
{
    /// <summary>
    /// Products with fewer rows take other kernels, in bf16 depending on how wide this rank's part is; filler rows keep a row's bits independent of how many there are.
    /// </summary>
    internal const int FewestRows = 16;

    private readonly bool _recompute, _split;
    private readonly SharedStreams _streams;
    private readonly Tensor? _embedding_CD, _norm_D;
    private readonly VocabularyHead? _head;
    private readonly LlamaBlock[] _blocks;
    private readonly BlockContext _context;
    private readonly Stack<Workspace> _free = new();

    /// <summary>What one pass at a time works in; what is kept for a backward pass lies in the activations' own workspace.</summary>
    private readonly Workspace _scratch;

    private readonly ScalarType _type;
    private readonly Device _device;
    private bool _disposed;

    /// <param name="weights">[layout.Length] in the compute type (fp32 or bf16); read at every call, never written; must outlive the model.</param>
    /// <param name="recompute">Keep only each block's input and run the block again in the backward pass.</param>
    /// <param name="group">Continues the sums over virtual shards beyond this rank, in order of the tensor places; null: it holds all of them.</param>
    /// <param name="splitActivations">Keep of residual streams only this rank's share of the rows, and gather the others in the backward pass.</param>
    public LlamaModel(FlatLayout layout, Tensor weights, bool recompute = false, IShardSum? group = null, bool splitActivations = false)
        : this(layout, weights, recompute, group ?? AllShardsHere.Instance, null, splitActivations)
    {
    }

    internal LlamaModel(FlatLayout layout, Tensor weights, bool recompute, IShardSum group, BlockKernels? kernels, bool splitActivations = false)
    {
        if (group.Alone != (layout.Part.TensorDegree == 1))
            throw new ArgumentException($"a tensor-parallel degree of {layout.Part.TensorDegree} {(group.Alone ? "needs" : "has no use for")} a group", nameof(group));
        if (weights.numel() != layout.Length) throw new ArgumentException($"weights have {weights.numel()} elements, the layout {layout.Length}");
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Layout = layout;
        _recompute = recompute;
        _type = weights.dtype;
        _device = weights.device;
        _scratch = new Workspace(_type, _device);
        _split = splitActivations && !group.Alone;
        _streams = new SharedStreams(layout, group, _scratch);
        var heads = HeadGeometry.Of(layout);
        kernels ??= BlockKernels.For(_type, _device.type, heads, new RotaryTable(layout.Config.HeadSize, layout.Config.RopeTheta, 256));
        _context = new BlockContext(layout, heads, kernels, new Attention(heads, kernels), group);
        _blocks = [.. Enumerable.Range(layout.Part.FirstLayer, layout.Part.Layers).Select(layer => new LlamaBlock(_context, weights, layer))];
        if (layout.HasEmbedding) _embedding_CD = FlatViews.Of(weights, layout["embed"]).DetachFromDisposeScope();
        if (!layout.HasHead) return;
        _norm_D = FlatViews.VectorOf(weights, layout["norm"]).DetachFromDisposeScope();
        _head = new VocabularyHead(FlatViews.Of(weights, layout["head"]), layout, kernels, group);
    }

    public FlatLayout Layout { get; }
    internal VocabularyHead Head => _head ?? throw NotHere("head");
    private Tensor Embedding_CD => _embedding_CD ?? throw NotHere("embedding");
    private Tensor Norm_D => _norm_D ?? throw NotHere("last norm");
    internal IReadOnlyList<LlamaBlock> Blocks => _blocks;
    internal BlockContext Context => _context;
    internal ScalarType Type => _type;
    internal Device Device => _device;
    private LlamaConfig Config => Layout.Config;

    /// <summary>Bytes allocated for passes: kept by activations that are not in use now, and worked in.</summary>
    internal (long Kept, long Scratch) AllocatedBytes => (_free.Sum(workspace => workspace.AllocatedBytes), _scratch.AllocatedBytes);

    private BlockKernels Kernels => _context.Kernels;

    /// <summary>Rows of a batch's residual stream, filler included.</summary>
    public static int RowsOf(SlotBatch batch) => Math.Max(FewestRows, batch.Ids.Length);

    /// <summary>S: of these the tensor-parallel rank's own, which is what it takes from the stage before and gives to the next one.</summary>
    public long ShareOf(SlotBatch batch) => _streams.RowsOf(RowsOf(batch));

    /// <summary>Runs this stage's blocks, and on the last stage the last norm for the scored rows of the batch.</summary>
    /// <param name="keep">Keep what the backward pass needs.</param>
    /// <param name="input_SD">[<see cref="ShareOf"/>, D] from the stage before, in the compute type; null on the first one. It is copied.</param>
    public Activations Forward(SlotBatch batch, bool keep, Tensor? input_SD = null) => Forward(batch, keep, input_SD, null);

    /// <param name="visit">Sees every block's tape before its memory is used again; counts the blocks of this stage from 0.</param>
    internal Activations Forward(SlotBatch batch, bool keep, Tensor? input_SD, Action<int, BlockTape, SegmentGroup[]>? visit)
    {
        if (input_SD is null != Layout.HasEmbedding)
            throw new ArgumentException(Layout.HasEmbedding ? "the first stage takes its input from the batch" : "this stage needs the output of the one before", nameof(input_SD));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (tokens, ids) = Filled(batch);
        long rows = tokens.Count, width = Config.HiddenSize;
        CheckStream(input_SD, rows);
        var workspace = _free.TryPop(out var free) ? free : new Workspace(_type, _device);
        workspace.Reset();
        _streams.BeginPass();
        _scratch.Reset();
        var scored = batch.ScoredRows.Length;
        var targets = batch.Targets.Concat(Enumerable.Repeat(0, Math.Max(0, FewestRows - scored))).ToArray();
        var activations = new Activations(workspace, GiveBack, tokens, ids, batch.ScoredRows, targets, scored);
        try
        {
            if (Layout.HasHead)
            {
                activations.Last_RD = activations.Keep(workspace.Rent(targets.Length, width));
                activations.Hidden_RD = activations.Keep(workspace.Rent(targets.Length, width));
                activations.Scale_R = activations.Keep(workspace.RentSingle(targets.Length));
            }
            var split = keep && _split;
            var streams = split ? _scratch : workspace;
            var x_ND = streams.Rent(rows, width);
            var other_ND = keep && !split ? null : streams.Rent(rows, width);
            if (input_SD is not null) _streams.Gather(input_SD, x_ND);
            else GatherEmbeddings(ids, x_ND);
            for (var layer = 0; layer < _blocks.Length; layer++)
            {
                var output_ND = other_ND ?? workspace.Rent(rows, width);
                // The caller's dispose scope holds the streams that are worked in; kept ones are the activations'.
                var kept_ND = !keep ? null : activations.Keep(split ? _streams.Share(x_ND, workspace) : x_ND);
                if (keep && !_recompute)
                {
                    using var block = NewDisposeScope();
                    var mark = _scratch.Mark();
                    var tape = activations.Keep(BlockTape.Rent(_context, rows, workspace, split ? _streams.RowsOf(rows) : rows));
                    var whole = split ? tape with { Middle_ND = _scratch.Rent(rows, width) } : tape;
                    _blocks[layer].Forward(tokens, x_ND, whole, output_ND, _scratch);
                    visit?.Invoke(layer, whole, tokens.Groups);
                    if (split) _streams.CopyShare(whole.Middle_ND, tape.Middle_ND);
                    _scratch.Release(mark);
                    activations.Blocks.Add((kept_ND!, tape));
                }
                else
                {
                    using var block = NewDisposeScope();
                    var mark = _scratch.Mark();
                    var tape = BlockTape.Rent(_context, rows, _scratch, rows);
                    _blocks[layer].Forward(tokens, x_ND, tape, output_ND, _scratch);
                    visit?.Invoke(layer, tape, tokens.Groups);
                    _scratch.Release(mark);
                    if (keep) activations.Blocks.Add((kept_ND!, null));
                }
                if (other_ND is not null) other_ND = x_ND;
                x_ND = output_ND;
            }
            if (!split) activations.Keep(x_ND);
            // Nobody reads the output in the backward pass: its memory takes the gradient.
            if (keep && !split) activations.Gradient_ND = x_ND;
            activations.Reversible = keep;
            if (!Layout.HasHead)
            {
                activations.Output = Given(x_ND, activations);
                return activations;
            }
            Kernels.GatherRows(x_ND, batch.ScoredRows, activations.Last_RD);
            LastNorm(activations.Last_RD, activations.Hidden_RD, activations.Scale_R);
            if (split) _scratch.Release(default);
            return activations;
        }
        catch
        {
            activations.Dispose();
            throw;
        }
    }

    /// <summary>Each tensor-parallel rank has the rows of its own tokens; together they have all.</summary>
    internal void GatherEmbeddings(int[] ids, Tensor result_ND)
    {
        Kernels.GatherEmbeddings(Embedding_CD, ids, Layout.FirstToken, result_ND);
        _context.Group.Sum(result_ND);
    }

    internal void LastNorm(Tensor x_ND, Tensor result_ND, Tensor scale_N) => Kernels.RmsNorm(x_ND, Norm_D, Config.RmsNormEpsilon, result_ND, scale_N);

    /// <summary>The batch's rows, with a segment of filler tokens after it where it is shorter than <see cref="FewestRows"/>.</summary>
    private static (TokenRows Tokens, int[] Ids) Filled(SlotBatch batch)
    {
        var missing = FewestRows - batch.Ids.Length;
        if (missing <= 0) return (new TokenRows(batch.Ids.Length, batch.Positions, SegmentGroup.Of(batch.SegmentLengths)), batch.Ids);
        int[] positions = [.. batch.Positions, .. Enumerable.Range(0, missing)];
        return (new TokenRows(FewestRows, positions, SegmentGroup.Of([.. batch.SegmentLengths, missing])), [.. batch.Ids, .. new int[missing]]);
    }

    private void CheckStream(Tensor? stream_SD, long rows)
    {
        var share = _streams.RowsOf(rows);
        if (stream_SD is not null && (stream_SD.shape is not [var given, var width] || given != share || width != Config.HiddenSize || stream_SD.dtype != _type))
            throw new ArgumentException($"a residual stream of {stream_SD.dtype} [{string.Join(", ", stream_SD.shape)}] in place of {_type} [{share}, {Config.HiddenSize}]");
    }

    // This rank's rows of what goes to another stage; kept whole streams lie in the activations' own memory, others in the scratch memory.
    private Tensor Given(Tensor stream_ND, Activations activations) =>
        _split && activations.Gradient_ND is null ? _streams.Lend(stream_ND, activations) : activations.Keep(_streams.Own(stream_ND));

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
        _norm_D?.Dispose();
    }
}
