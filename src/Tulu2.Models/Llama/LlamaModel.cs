// N tokens, R scored rows, D hidden.
using Tulu2.Data.Slots;
using Tulu2.Models.Llama.Kernels;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Llama;

/// <summary>
/// A Llama decoder over a flat weight buffer, with a hand-written reverse pass: plain code over plain tensors, so that memory is exact, an exception is an
/// exception, and every sum over what tensor parallelism would cut is a fixed tree over the layout's virtual shards. One thread at a time.
/// </summary>
public sealed class LlamaModel : IDisposable
{
    /// <summary>fp32 products with fewer rows take other kernels; filler rows keep a row's bits independent of how many there are.</summary>
    internal const int FewestRows = 4;

    private readonly bool _recompute;
    private readonly Tensor _embedding_CD, _norm_D;
    private readonly LlamaBlock[] _blocks;
    private readonly BlockContext _context;
    private readonly Stack<Workspace> _free = new();
    private readonly ScalarType _type;
    private readonly Device _device;
    private bool _disposed;

    /// <param name="weights">[layout.Length] in the compute type (fp32 or bf16); read at every call, never written; must outlive the model.</param>
    /// <param name="recompute">Keep only each block's input and run the block again in the backward pass.</param>
    /// <param name="group">Continues the sums over virtual shards beyond this rank; null: it holds all of them.</param>
    public LlamaModel(FlatLayout layout, Tensor weights, bool recompute = false, IShardSum? group = null)
        : this(layout, weights, recompute, group ?? AllShardsHere.Instance, null)
    {
    }

    internal LlamaModel(FlatLayout layout, Tensor weights, bool recompute, IShardSum group, BlockKernels? kernels)
    {
        if (weights.numel() != layout.Length) throw new ArgumentException($"weights have {weights.numel()} elements, the layout {layout.Length}");
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Layout = layout;
        _recompute = recompute;
        _type = weights.dtype;
        _device = weights.device;
        var heads = new HeadGeometry(layout.Config, layout.VirtualShards);
        kernels ??= BlockKernels.For(_type, _device.type, heads, new RotaryTable(layout.Config.HeadSize, layout.Config.RopeTheta, 256));
        _context = new BlockContext(layout, heads, kernels, new Attention(heads, kernels), group);
        _embedding_CD = FlatViews.Of(weights, layout["embed"]).DetachFromDisposeScope();
        _norm_D = FlatViews.VectorOf(weights, layout["norm"]).DetachFromDisposeScope();
        _blocks = [.. Enumerable.Range(0, layout.Config.Layers).Select(layer => new LlamaBlock(_context, weights, layer))];
        Head = new VocabularyHead(FlatViews.Of(weights, layout["head"]), layout, kernels, group);
    }

    public FlatLayout Layout { get; }
    internal VocabularyHead Head { get; }
    internal IReadOnlyList<LlamaBlock> Blocks => _blocks;
    internal BlockContext Context => _context;
    internal ScalarType Type => _type;
    internal Device Device => _device;
    private LlamaConfig Config => Layout.Config;
    private BlockKernels Kernels => _context.Kernels;

    /// <summary>Runs the decoder up to the last norm, for the scored rows of the batch.</summary>
    /// <param name="keep">Keep what <see cref="Backward"/> needs.</param>
    public Activations Forward(SlotBatch batch, bool keep) => Forward(batch, keep, null);

    /// <param name="visit">Sees every block's tape before its memory is used again.</param>
    internal Activations Forward(SlotBatch batch, bool keep, Action<int, BlockTape, SegmentGroup[]>? visit)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var workspace = _free.TryPop(out var free) ? free : new Workspace(_type, _device);
        workspace.Reset();
        var (tokens, ids) = Filled(batch);
        var scored = batch.ScoredRows.Length;
        var targets = batch.Targets.Concat(Enumerable.Repeat(0, Math.Max(0, FewestRows - scored))).ToArray();
        var activations = new Activations(workspace, GiveBack, tokens, ids, batch.ScoredRows, targets, scored);
        try
        {
            long rows = tokens.Count, width = Config.HiddenSize;
            activations.Last_RD = activations.Keep(workspace.Rent(targets.Length, width));
            activations.Hidden_RD = activations.Keep(workspace.Rent(targets.Length, width));
            activations.Scale_R = activations.Keep(workspace.RentSingle(targets.Length));
            if (keep) activations.Gradient_ND = activations.Keep(workspace.Rent(rows, width));
            var x_ND = workspace.Rent(rows, width);
            var other_ND = keep ? null : workspace.Rent(rows, width);
            Kernels.GatherRows(_embedding_CD, ids, x_ND);
            for (var layer = 0; layer < _blocks.Length; layer++)
            {
                var output_ND = other_ND ?? workspace.Rent(rows, width);
                if (keep && !_recompute)
                {
                    var tape = activations.Keep(BlockTape.Rent(_context, rows, workspace));
                    _blocks[layer].Forward(tokens, x_ND, tape, output_ND, workspace);
                    activations.Blocks.Add((activations.Keep(x_ND), tape));
                    visit?.Invoke(layer, tape, tokens.Groups);
                }
                else
                {
                    using var block = NewDisposeScope();
                    var mark = workspace.Mark();
                    var tape = BlockTape.Rent(_context, rows, workspace);
                    _blocks[layer].Forward(tokens, x_ND, tape, output_ND, workspace);
                    visit?.Invoke(layer, tape, tokens.Groups);
                    workspace.Release(mark);
                    if (keep) activations.Blocks.Add((activations.Keep(x_ND), null));
                    else other_ND = x_ND;
                }
                x_ND = output_ND;
            }
            Kernels.GatherRows(x_ND, batch.ScoredRows, activations.Last_RD);
            Kernels.RmsNorm(activations.Last_RD, _norm_D, Config.RmsNormEpsilon, activations.Hidden_RD, activations.Scale_R);
            return activations;
        }
        catch
        {
            activations.Dispose();
            throw;
        }
    }

    /// <summary>[R] fp32: the log-probability of each scored row's target.</summary>
    public Tensor LogProbabilities(Activations activations)
    {
        activations.ThrowIfDisposed();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var result_R = empty([activations.Targets.Length], dtype: ScalarType.Float32, device: _device);
        Head.LogProbabilities(activations.Hidden_RD, activations.Targets, result_R, activations.Workspace);
        return result_R.narrow(0, 0, activations.Scored).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Reverse pass. <paramref name="coefficients_R"/> (fp32) is the derivative of the loss with respect to each row's log-probability. Overwrites
    /// <paramref name="gradient"/> ([layout.Length], fp32) wholly, alignment padding with zeros. Uses the activations up: only once each.
    /// </summary>
    /// <returns>[R] fp32: the log-probabilities, which come for free.</returns>
    public Tensor Backward(Activations activations, Tensor coefficients_R, Tensor gradient)
    {
        activations.ThrowIfDisposed();
        if (activations.Gradient_ND is not { } gradient_ND) throw new InvalidOperationException("nothing was kept for a backward pass, or it has run already");
        if (gradient.numel() != Layout.Length) throw new ArgumentException($"the gradient has {gradient.numel()} elements, the layout {Layout.Length}");
        if (coefficients_R.numel() != activations.Scored) throw new ArgumentException($"{coefficients_R.numel()} coefficients for {activations.Scored} scored rows");
        activations.Gradient_ND = null;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var workspace = activations.Workspace;
        var result_R = empty([activations.Targets.Length], dtype: ScalarType.Float32, device: _device);
        HeadBackward(activations, coefficients_R, gradient, result_R, gradient_ND);

        for (var layer = _blocks.Length - 1; layer >= 0; layer--)
        {
            using var block = NewDisposeScope();
            var mark = workspace.Mark();
            var (input_ND, tape) = activations.Blocks[layer];
            if (tape is null)
            {
                tape = BlockTape.Rent(_context, activations.Tokens.Count, workspace);
                _blocks[layer].Forward(activations.Tokens, input_ND, tape, workspace.Rent(input_ND.shape), workspace);
            }
            _blocks[layer].Backward(activations.Tokens, input_ND, tape, gradient_ND, gradient, workspace);
            workspace.Release(mark);
        }
        var embedding_CD = FlatViews.Of(gradient, Layout["embed"]);
        if (!Config.TieEmbeddings) embedding_CD.zero_();
        Kernels.ScatterAddRows(gradient_ND, activations.Ids, embedding_CD);
        FlatViews.ZeroPadding(gradient, Layout);
        return result_R.narrow(0, 0, activations.Scored).MoveToOuterDisposeScope();
    }

    internal void GatherEmbeddings(int[] ids, Tensor result_ND) => Kernels.GatherRows(_embedding_CD, ids, result_ND);

    internal void LastNorm(Tensor x_ND, Tensor result_ND, Tensor scale_N) => Kernels.RmsNorm(x_ND, _norm_D, Config.RmsNormEpsilon, result_ND, scale_N);

    private void HeadBackward(Activations activations, Tensor coefficients_R, Tensor gradient, Tensor result_R, Tensor gradient_ND)
    {
        using var scope = NewDisposeScope();
        var workspace = activations.Workspace;
        var mark = workspace.Mark();
        var rows = activations.Targets.Length;
        var filled_R = workspace.RentSingle(rows);
        filled_R.zero_();
        filled_R.narrow(0, 0, activations.Scored).copy_(coefficients_R);
        var hiddenGradient_RD = workspace.Rent(rows, Config.HiddenSize);
        Head.Backward(
            activations.Hidden_RD, activations.Targets, filled_R, result_R, hiddenGradient_RD, FlatViews.Of(gradient, Layout["head"]), workspace);
        var lastGradient_RD = workspace.Rent(rows, Config.HiddenSize);
        lastGradient_RD.zero_();
        Kernels.RmsNormBackward(
            activations.Last_RD, _norm_D, activations.Scale_R, hiddenGradient_RD, lastGradient_RD, FlatViews.VectorOf(gradient, Layout["norm"]));
        gradient_ND.zero_();
        Kernels.ScatterAddRows(lastGradient_RD, activations.ScoredRows, gradient_ND);
        workspace.Release(mark);
    }

    /// <summary>The batch's rows, with a segment of filler tokens after it where it is shorter than <see cref="FewestRows"/>.</summary>
    private static (TokenRows Tokens, int[] Ids) Filled(SlotBatch batch)
    {
        var missing = FewestRows - batch.Ids.Length;
        if (missing <= 0) return (new TokenRows(batch.Ids.Length, batch.Positions, SegmentGroup.Of(batch.SegmentLengths)), batch.Ids);
        int[] positions = [.. batch.Positions, .. Enumerable.Range(0, missing)];
        return (new TokenRows(FewestRows, positions, SegmentGroup.Of([.. batch.SegmentLengths, missing])), [.. batch.Ids, .. new int[missing]]);
    }

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
        foreach (var block in _blocks) block.Dispose();
        Head.Dispose();
        _embedding_CD.Dispose();
        _norm_D.Dispose();
    }
}
