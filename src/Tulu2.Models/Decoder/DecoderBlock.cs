// N tokens, D hidden, S fused q k v width, F feed-forward width, Q query width.
using Tulu2.Models.Kernels;
using Tulu2.Models.Linears;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>
/// One decoder block (HF <c>LlamaDecoderLayer</c>): middle = input + attention(norm(input)), output = middle + SwiGLU(norm(middle)).
/// </summary>
internal sealed class DecoderBlock(BlockContext context, ModelWeights weights, LinearFactory linears, int layer) : IDisposable
{
    private readonly RmsNorm _norm1 = new(context.Parameters, weights.Read, $"{layer}.norm1", context.Kernels);
    private readonly ILinear _qkv = linears.Of($"{layer}.qkv"), _out = linears.Of($"{layer}.o");
    private readonly RmsNorm _norm2 = new(context.Parameters, weights.Read, $"{layer}.norm2", context.Kernels);
    private readonly ILinear _gateUp = linears.Of($"{layer}.gate_up"), _down = linears.Of($"{layer}.down");

    private BlockKernels Kernels => context.Kernels;
    private int Shards => context.Parameters.Read.LocalShards;
    private int FeedWidth => context.Parameters.Read.LocalIntermediateSize;

    /// <summary>Fills the tape and writes the output, which is neither the input nor on the tape.</summary>
    public void Forward(TokenRows tokens, Tensor input_ND, BlockTape tape, Tensor output_ND, Workspace workspace)
    {
        Record(tokens, input_ND, tape, workspace);
        Down(tape, output_ND, workspace, tokens.Adapters);
    }

    /// <summary>Fills the tape alone: the backward pass does not ask for the output.</summary>
    public void Record(TokenRows tokens, Tensor input_ND, BlockTape tape, Workspace workspace)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var normed_ND = workspace.Rent(tokens.Count, context.Width);
        _norm1.Forward(input_ND, normed_ND, tape.Scale1_N);
        var fused_NS = workspace.Rent(tokens.Count, _qkv.Outputs);
        _qkv.Forward(normed_ND, null, fused_NS, workspace, tokens.Adapters);
        Kernels.SplitHeads(fused_NS, tokens.Positions, tokens.Groups, tape.Attention.Queries, tape.Attention.Keys, tape.Attention.Values);
        context.Attention.Forward(tape.Attention, tokens.Groups, workspace);
        _out.Forward(tape.Attention.Output_NQ, input_ND, tape.Middle_ND, workspace, tokens.Adapters);
        workspace.Release(mark);
        GateUp(tape, workspace, tokens.Adapters);
    }

    /// <summary>
    /// Turns the gradient of the output, in place, into that of the input, and writes the block's weight gradients. Uses up the tape.
    /// </summary>
    /// <param name="gradient">[length of the trained map] fp32.</param>
    public void Backward(TokenRows tokens, Tensor input_ND, BlockTape tape, Tensor gradient_ND, Tensor gradient, Workspace workspace)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var rows = tokens.Count;
        Tensor normed_ND = workspace.Rent(rows, context.Width), normedGradient_ND = workspace.Rent(rows, context.Width);

        var product_NF = workspace.Rent(rows, FeedWidth);
        _down.InputGradient(gradient_ND, product_NF, workspace, tokens.Adapters);
        Kernels.SwiGluBackward(tape.GateUp_N2F, Shards, product_NF);
        _down.WeightGradient(gradient_ND, product_NF, gradient, first: true, workspace, tokens.Adapters);
        _norm2.ForwardAgain(tape.Middle_ND, tape.Scale2_N, normed_ND);
        _gateUp.WeightGradient(tape.GateUp_N2F, normed_ND, gradient, first: true, workspace, tokens.Adapters);
        _gateUp.InputGradient(tape.GateUp_N2F, normedGradient_ND, workspace, tokens.Adapters);
        _norm2.Backward(tape.Middle_ND, tape.Scale2_N, normedGradient_ND, gradient_ND, gradient, workspace);

        var outputGradient_NQ = workspace.Rent(rows, context.Heads.QueryWidth);
        _out.InputGradient(gradient_ND, outputGradient_NQ, workspace, tokens.Adapters);
        _out.WeightGradient(gradient_ND, tape.Attention.Output_NQ, gradient, first: true, workspace, tokens.Adapters);
        var fusedGradient_NS = workspace.Rent(rows, _qkv.Outputs);
        context.Attention.Backward(tape.Attention, tokens.Groups, tokens.Positions, outputGradient_NQ, fusedGradient_NS, workspace);
        _norm1.ForwardAgain(input_ND, tape.Scale1_N, normed_ND);
        _qkv.WeightGradient(fusedGradient_NS, normed_ND, gradient, first: true, workspace, tokens.Adapters);
        _qkv.InputGradient(fusedGradient_NS, normedGradient_ND, workspace, tokens.Adapters);
        _norm1.Backward(input_ND, tape.Scale1_N, normedGradient_ND, gradient_ND, gradient, workspace);
        workspace.Release(mark);
    }

    private void GateUp(BlockTape tape, Workspace workspace, AdapterPass? pass = null)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var normed_ND = workspace.Rent(tape.Middle_ND.shape);
        _norm2.Forward(tape.Middle_ND, normed_ND, tape.Scale2_N);
        _gateUp.Forward(normed_ND, null, tape.GateUp_N2F, workspace, pass);
        workspace.Release(mark);
    }

    private void Down(BlockTape tape, Tensor output_ND, Workspace workspace, AdapterPass? pass = null)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var product_NF = workspace.Rent(tape.Middle_ND.shape[0], FeedWidth);
        Kernels.SwiGlu(tape.GateUp_N2F, Shards, product_NF);
        _down.Forward(product_NF, tape.Middle_ND, output_ND, workspace, pass);
        workspace.Release(mark);
    }

    public void Dispose()
    {
        _norm1.Dispose();
        _norm2.Dispose();
        _qkv.Dispose();
        _gateUp.Dispose();
        _out.Dispose();
        _down.Dispose();
    }
}
