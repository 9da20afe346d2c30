// N tokens, S of them this tensor-parallel rank's share, R scored rows, D hidden, C vocabulary rows of this rank.
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>Log-probabilities and the reverse pass.</summary>
public sealed partial class DecoderModel
{
    private ParameterMap Trained => Parameters.Trained;

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
    /// log-probability. Overwrites <paramref name="gradient"/> ([trained length], fp32) wholly, padding and rows beyond the used vocabulary with zeros.
    /// Uses the activations up: only once each.
    /// </summary>
    /// <param name="ready">Called after the head, each block and the embedding with the first element from which on the gradient is final.</param>
    /// <returns>[R] fp32: the log-probabilities, which come for free.</returns>
    public Tensor Backward(Activations activations, Tensor coefficients_R, Tensor gradient, Action<long>? ready = null)
    {
        if (!IsLastStage) throw NotHere("head");
        if (coefficients_R.numel() != activations.Scored) throw new ArgumentException($"{coefficients_R.numel()} coefficients for {activations.Scored} scored rows");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var gradient_ND = BeginBackward(activations, gradient);
        var result_R = empty([activations.Targets.Length], dtype: ScalarType.Float32, device: _device);
        HeadBackward(activations, coefficients_R, gradient, result_R, gradient_ND);
        var final = Finish(gradient, Config.Layers, Trained.Length, ready);
        BlocksBackward(activations, gradient_ND, gradient, final, ready);
        return result_R.narrow(0, 0, activations.Scored).MoveToOuterDisposeScope();
    }

    /// <summary>Reverse pass of a stage that is not the last; the rest as <see cref="Backward"/> has it.</summary>
    /// <param name="outputGradient_SD">[S, D] in the compute type: the next stage's <see cref="Activations.InputGradient_SD"/>. It is copied.</param>
    public void BackwardStage(Activations activations, Tensor outputGradient_SD, Tensor gradient, Action<long>? ready = null)
    {
        if (IsLastStage) throw new InvalidOperationException("the last stage's backward pass begins with coefficients");
        CheckStream(outputGradient_SD, activations.Rows);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var gradient_ND = BeginBackward(activations, gradient);
        _streams.Gather(outputGradient_SD, gradient_ND);
        BlocksBackward(activations, gradient_ND, gradient, Trained.Length, ready);
    }

    private Tensor BeginBackward(Activations activations, Tensor gradient)
    {
        activations.ThrowIfDisposed();
        if (!activations.Reversible) throw new InvalidOperationException("nothing was kept for a backward pass, or it has run already");
        if (gradient.numel() != Trained.Length) throw new ArgumentException($"the gradient has {gradient.numel()} elements, its map {Trained.Length}");
        activations.Reversible = false;
        return activations.Keeping.BeginBackward();
    }

    /// <summary>The gradient of a layer and of all that stands after it is final.</summary>
    /// <param name="final">From where on it was already.</param>
    /// <returns>From where on it is.</returns>
    private long Finish(Tensor gradient, int layer, long final, Action<long>? ready)
    {
        var start = Trained.StartOf(layer);
        ParameterViews.ZeroUntrained(gradient, Trained, start, final);
        ready?.Invoke(start);
        return start;
    }

    private void BlocksBackward(Activations activations, Tensor gradient_ND, Tensor gradient, long final, Action<long>? ready)
    {
        for (var index = _blocks.Length - 1; index >= 0; index--)
        {
            using var scope = NewDisposeScope();
            var mark = _scratch.Mark();
            var (input_ND, tape) = activations.Keeping.Recall(_blocks[index], index);
            _blocks[index].Backward(activations.Tokens, input_ND, tape, gradient_ND, gradient, _scratch);
            _scratch.Release(mark);
            final = Finish(gradient, Parameters.Read.Part.FirstLayer + index, final, ready);
        }
        if (!IsFirstStage)
        {
            activations.InputGradient = activations.Keeping.Give(gradient_ND);
            return;
        }
        EmbeddingBackward(activations, gradient_ND, gradient);
        Finish(gradient, ModelTensor.BeforeLayers, final, ready);
    }

    private void EmbeddingBackward(Activations activations, Tensor gradient_ND, Tensor gradient)
    {
        if (Trained.Find("embed") is not { } embed) return;
        using var embedding_CD = ParameterViews.Of(gradient, embed);
        // A tied one already has the head's gradient.
        if (!Config.TieEmbeddings) embedding_CD.zero_();
        Kernels.ScatterAddRows(gradient_ND, activations.Ids, Trained.FirstToken, embedding_CD);
    }

    private void HeadBackward(Activations activations, Tensor coefficients_R, Tensor gradient, Tensor result_R, Tensor gradient_ND)
    {
        using var scope = NewDisposeScope();
        var mark = _scratch.Mark();
        var rows = activations.Targets.Length;
        var filled_R = _scratch.RentSingle(rows);
        filled_R.zero_();
        filled_R.narrow(0, 0, activations.Scored).copy_(coefficients_R);
        var hiddenGradient_RD = _scratch.Rent(rows, Config.HiddenSize);
        Head.Backward(activations.Hidden_RD, activations.Targets, filled_R, result_R, hiddenGradient_RD, gradient, _scratch);
        var lastGradient_RD = _scratch.Rent(rows, Config.HiddenSize);
        lastGradient_RD.zero_();
        Norm.Backward(activations.Last_RD, activations.Scale_R, hiddenGradient_RD, lastGradient_RD, gradient, _scratch);
        gradient_ND.zero_();
        Kernels.ScatterAddRows(lastGradient_RD, activations.ScoredRows, 0, gradient_ND);
        _scratch.Release(mark);
    }
}
