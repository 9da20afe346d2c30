// N tokens, R scored rows, D hidden, C vocabulary rows of this rank.
using static TorchSharp.torch;

namespace Tulu2.Models.Llama;

/// <summary>Log-probabilities and the reverse pass.</summary>
public sealed partial class LlamaModel
{
    /// <summary>[R] fp32: the log-probability of each scored row's target.</summary>
    public Tensor LogProbabilities(Activations activations)
    {
        activations.ThrowIfDisposed();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var result_R = empty([activations.Targets.Length], dtype: ScalarType.Float32, device: _device);
        Head.LogProbabilities(activations.Hidden_RD, activations.Targets, result_R, _scratch);
        return result_R.narrow(0, 0, activations.Scored).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Reverse pass of the last (or only) stage. <paramref name="coefficients_R"/> (fp32) is the derivative of the loss with respect to each row's
    /// log-probability. Overwrites <paramref name="gradient"/> ([layout.Length], fp32) wholly, padding and rows beyond the used vocabulary with zeros. Uses the activations up: only once each.
    /// </summary>
    /// <param name="ready">Called after the head, each block and the embedding with the first element from which on the gradient is final.</param>
    /// <returns>[R] fp32: the log-probabilities, which come for free.</returns>
    public Tensor Backward(Activations activations, Tensor coefficients_R, Tensor gradient, Action<long>? ready = null)
    {
        if (!Layout.HasHead) throw NotHere("head");
        if (coefficients_R.numel() != activations.Scored) throw new ArgumentException($"{coefficients_R.numel()} coefficients for {activations.Scored} scored rows");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var gradient_ND = Take(activations, gradient);
        var result_R = empty([activations.Targets.Length], dtype: ScalarType.Float32, device: _device);
        HeadBackward(activations, coefficients_R, gradient, result_R, gradient_ND);
        var end = Finish(gradient, Layout["norm"].Offset, Layout.Length, ready);
        BlocksBackward(activations, gradient_ND, gradient, end, ready);
        return result_R.narrow(0, 0, activations.Scored).MoveToOuterDisposeScope();
    }

    /// <summary>Reverse pass of a stage that is not the last; the rest as <see cref="Backward"/> has it.</summary>
    /// <param name="outputGradient_SD">[S, D] in the compute type: the next stage's <see cref="Activations.InputGradient_SD"/>. It is copied.</param>
    public void BackwardStage(Activations activations, Tensor outputGradient_SD, Tensor gradient, Action<long>? ready = null)
    {
        if (Layout.HasHead) throw new InvalidOperationException("the last stage's backward pass begins with coefficients");
        CheckStream(outputGradient_SD, activations.Rows);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var gradient_ND = Take(activations, gradient);
        _streams.Gather(outputGradient_SD, gradient_ND);
        BlocksBackward(activations, gradient_ND, gradient, Layout.Length, ready);
    }

    private Tensor Take(Activations activations, Tensor gradient)
    {
        activations.ThrowIfDisposed();
        if (!activations.Reversible) throw new InvalidOperationException("nothing was kept for a backward pass, or it has run already");
        if (gradient.numel() != Layout.Length) throw new ArgumentException($"the gradient has {gradient.numel()} elements, the layout {Layout.Length}");
        activations.Reversible = false;
        if (activations.Gradient_ND is { } gradient_ND) return gradient_ND;
        _streams.BeginPass();
        _scratch.Release(default);
        return _scratch.Rent(activations.Rows, Config.HiddenSize);
    }

    private long Finish(Tensor gradient, long from, long to, Action<long>? ready)
    {
        FlatViews.ZeroUntrained(gradient, Layout, from, to);
        ready?.Invoke(from);
        return from;
    }

    // Everything from an element on is final already.
    private void BlocksBackward(Activations activations, Tensor gradient_ND, Tensor gradient, long final, Action<long>? ready)
    {
        var workspace = _scratch;
        for (var layer = _blocks.Length - 1; layer >= 0; layer--)
        {
            using var block = NewDisposeScope();
            var mark = workspace.Mark();
            var (input_ND, tape) = activations.Blocks[layer];
            if (_split) input_ND = _streams.Whole(input_ND, activations.Rows);
            if (_split && tape is not null) tape = tape with { Middle_ND = _streams.Whole(tape.Middle_ND, activations.Rows) };
            if (tape is null)
            {
                tape = BlockTape.Rent(_context, activations.Rows, workspace, activations.Rows);
                _blocks[layer].Record(activations.Tokens, input_ND, tape, workspace);
            }
            _blocks[layer].Backward(activations.Tokens, input_ND, tape, gradient_ND, gradient, workspace);
            workspace.Release(mark);
            final = Finish(gradient, Layout[$"{Layout.Part.FirstLayer + layer}.norm1"].Offset, final, ready);
        }
        if (Layout.HasEmbedding)
        {
            var embedding_CD = FlatViews.Of(gradient, Layout["embed"]);
            if (!Config.TieEmbeddings) embedding_CD.zero_();
            Kernels.ScatterAddRows(gradient_ND, activations.Ids, Layout.FirstToken, embedding_CD);
            Finish(gradient, 0, final, ready);
        }
        else activations.InputGradient = Given(gradient_ND, activations);
    }

    private void HeadBackward(Activations activations, Tensor coefficients_R, Tensor gradient, Tensor result_R, Tensor gradient_ND)
    {
        using var scope = NewDisposeScope();
        var workspace = _scratch;
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
            activations.Last_RD, Norm_D, activations.Scale_R, hiddenGradient_RD, lastGradient_RD, FlatViews.VectorOf(gradient, Layout["norm"]));
        gradient_ND.zero_();
        Kernels.ScatterAddRows(lastGradient_RD, activations.ScoredRows, 0, gradient_ND);
        workspace.Release(mark);
    }
}
