// N tokens, D hidden, S fused q k v width, F feed-forward width, Q query width.
using Tulu2.Models.Llama.Kernels;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Llama;

/// <summary>What all blocks of a pass share.</summary>
internal sealed record BlockContext(FlatLayout Layout, HeadGeometry Heads, BlockKernels Kernels, Attention Attention, IShardSum Group);

/// <summary>What the segments of a batch look like to a block.</summary>
internal sealed record TokenRows(int Count, int[] Positions, SegmentGroup[] Groups);

/// <summary>What a block keeps for its backward pass.</summary>
internal sealed record BlockTape(Tensor Scale1_N, AttentionTape Attention, Tensor Middle_ND, Tensor Scale2_N, Tensor GateUp_N2F)
{
    /// <param name="middleRows">Of the residual stream; fewer where only a share of it is kept.</param>
    public static BlockTape Rent(BlockContext context, long tokens, Workspace workspace, long middleRows)
    {
        var config = context.Layout.Config;
        return new BlockTape(
            workspace.RentSingle(tokens), AttentionTape.Rent(context.Heads, tokens, workspace), workspace.Rent(middleRows, config.HiddenSize),
            workspace.RentSingle(tokens), workspace.Rent(tokens, 2L * context.Layout.LocalIntermediateSize));
    }
}

/// <summary>
/// One decoder block (HF <c>LlamaDecoderLayer</c>): middle = input + attention(norm(input)), output = middle + SwiGLU(norm(middle)).
/// </summary>
internal sealed class LlamaBlock : IDisposable
{
    private readonly BlockContext _context;
    private readonly int _layer;
    private readonly Tensor _norm1_D, _norm2_D;
    private readonly ColumnLinear _qkv, _gateUp;
    private readonly RowLinear _out, _down;

    public LlamaBlock(BlockContext context, Tensor weights, int layer)
    {
        _context = context;
        _layer = layer;
        var shards = context.Layout.LocalShards;
        _norm1_D = FlatViews.VectorOf(weights, context.Layout[$"{layer}.norm1"]).DetachFromDisposeScope();
        _qkv = new ColumnLinear(Weight("qkv"), shards);
        _out = new RowLinear(Weight("o"), shards);
        _norm2_D = FlatViews.VectorOf(weights, context.Layout[$"{layer}.norm2"]).DetachFromDisposeScope();
        _gateUp = new ColumnLinear(Weight("gate_up"), shards);
        _down = new RowLinear(Weight("down"), shards);

        Tensor Weight(string key) => FlatViews.Of(weights, context.Layout[$"{layer}.{key}"]);
    }

    private LlamaConfig Config => _context.Layout.Config;
    private BlockKernels Kernels => _context.Kernels;

    /// <summary>Fills the tape and writes the output, which is neither the input nor on the tape.</summary>
    public void Forward(TokenRows tokens, Tensor input_ND, BlockTape tape, Tensor output_ND, Workspace workspace)
    {
        Record(tokens, input_ND, tape, workspace);
        Down(tape, output_ND, workspace);
    }

    /// <summary>Fills the tape alone: the backward pass does not ask for the output.</summary>
    public void Record(TokenRows tokens, Tensor input_ND, BlockTape tape, Workspace workspace)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var normed_ND = workspace.Rent(tokens.Count, Config.HiddenSize);
        Kernels.RmsNorm(input_ND, _norm1_D, Config.RmsNormEpsilon, normed_ND, tape.Scale1_N);
        var fused_NS = workspace.Rent(tokens.Count, _qkv.Outputs);
        _qkv.Forward(normed_ND, fused_NS);
        Kernels.SplitHeads(fused_NS, tokens.Positions, tokens.Groups, tape.Attention.Queries, tape.Attention.Keys, tape.Attention.Values);
        _context.Attention.Forward(tape.Attention, tokens.Groups, workspace);
        _out.Forward(tape.Attention.Output_NQ, input_ND, tape.Middle_ND, workspace, Kernels, _context.Group);
        workspace.Release(mark);
        GateUp(tape, workspace);
    }

    /// <summary>
    /// Turns the gradient of the output, in place, into that of the input, and writes the block's weight gradients. Uses up the tape.
    /// </summary>
    public void Backward(TokenRows tokens, Tensor input_ND, BlockTape tape, Tensor gradient_ND, Tensor weightGradient, Workspace workspace)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var rows = tokens.Count;
        var normed_ND = workspace.Rent(rows, Config.HiddenSize);
        var normedGradient_ND = workspace.Rent(rows, Config.HiddenSize);

        var product_NF = workspace.Rent(rows, _context.Layout.LocalIntermediateSize);
        _down.InputGradient(gradient_ND, product_NF);
        Kernels.SwiGluBackward(tape.GateUp_N2F, _context.Layout.LocalShards, product_NF);
        WriteWeight("down", gradient_ND, product_NF);
        Kernels.RmsNormAgain(tape.Middle_ND, _norm2_D, tape.Scale2_N, normed_ND);
        WriteWeight("gate_up", tape.GateUp_N2F, normed_ND);
        _gateUp.InputGradient(tape.GateUp_N2F, normedGradient_ND, workspace, Kernels, _context.Group);
        Kernels.RmsNormBackward(tape.Middle_ND, _norm2_D, tape.Scale2_N, normedGradient_ND, gradient_ND, Gradient("norm2"));

        var outputGradient_NQ = workspace.Rent(rows, _context.Heads.QueryWidth);
        _out.InputGradient(gradient_ND, outputGradient_NQ);
        WriteWeight("o", gradient_ND, tape.Attention.Output_NQ);
        var fusedGradient_NS = workspace.Rent(rows, _qkv.Outputs);
        _context.Attention.Backward(tape.Attention, tokens.Groups, tokens.Positions, outputGradient_NQ, fusedGradient_NS, workspace);
        Kernels.RmsNormAgain(input_ND, _norm1_D, tape.Scale1_N, normed_ND);
        WriteWeight("qkv", fusedGradient_NS, normed_ND);
        _qkv.InputGradient(fusedGradient_NS, normedGradient_ND, workspace, Kernels, _context.Group);
        Kernels.RmsNormBackward(input_ND, _norm1_D, tape.Scale1_N, normedGradient_ND, gradient_ND, Gradient("norm1"));
        workspace.Release(mark);

        Tensor Gradient(string key) => FlatViews.Of(weightGradient, _context.Layout[$"{_layer}.{key}"]);
        void WriteWeight(string key, Tensor left, Tensor right) => WeightGradient.Write(left, right, Gradient(key), first: true, workspace, Kernels);
    }

    /// <summary>One new token per sequence, over a cache.</summary>
    public void Decode(Tensor input_ND, int[] slots, int[] lengths, Tensor keys_XVLK, Tensor values_XVLK, BlockTape tape, Tensor output_ND, Workspace workspace)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var rows = input_ND.shape[0];
        var normed_ND = workspace.Rent(rows, Config.HiddenSize);
        Kernels.RmsNorm(input_ND, _norm1_D, Config.RmsNormEpsilon, normed_ND, tape.Scale1_N);
        var fused_NS = workspace.Rent(rows, _qkv.Outputs);
        _qkv.Forward(normed_ND, fused_NS);
        Kernels.DecodeAttention(fused_NS, slots, lengths, keys_XVLK, values_XVLK, tape.Attention.Output_NQ);
        _out.Forward(tape.Attention.Output_NQ, input_ND, tape.Middle_ND, workspace, Kernels, _context.Group);
        workspace.Release(mark);
        GateUp(tape, workspace);
        Down(tape, output_ND, workspace);
    }

    private void GateUp(BlockTape tape, Workspace workspace)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var normed_ND = workspace.Rent(tape.Middle_ND.shape);
        Kernels.RmsNorm(tape.Middle_ND, _norm2_D, Config.RmsNormEpsilon, normed_ND, tape.Scale2_N);
        _gateUp.Forward(normed_ND, tape.GateUp_N2F);
        workspace.Release(mark);
    }

    private void Down(BlockTape tape, Tensor output_ND, Workspace workspace)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var product_NF = workspace.Rent(tape.Middle_ND.shape[0], _context.Layout.LocalIntermediateSize);
        Kernels.SwiGlu(tape.GateUp_N2F, _context.Layout.LocalShards, product_NF);
        _down.Forward(product_NF, tape.Middle_ND, output_ND, workspace, Kernels, _context.Group);
        workspace.Release(mark);
    }

    public void Dispose()
    {
        _norm1_D.Dispose();
        _norm2_D.Dispose();
        _qkv.Dispose();
        _gateUp.Dispose();
        _out.Dispose();
        _down.Dispose();
    }
}
