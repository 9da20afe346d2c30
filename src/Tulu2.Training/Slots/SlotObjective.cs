using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>A run's objective on the last stage of a slot: brings log-probabilities from the model to it, and its coefficients back. Shapes: R scored tokens, S segments.</summary>
internal sealed class SlotObjective
{
    private readonly ObjectiveDescriptor _descriptor;
    private readonly IObjective _objective;

    // Not opened before the first slot: the same computer also does the pass that makes them.
    private readonly Lazy<ReferenceLogProbabilities>? _references;

    /// <param name="references">Opens the reference log-probabilities; null: the objective needs none.</param>
    public SlotObjective(ObjectiveDescriptor descriptor, IObjective objective, Func<ReferenceLogProbabilities>? references = null)
    {
        _descriptor = descriptor;
        _objective = objective;
        _references = references is null ? null : new Lazy<ReferenceLogProbabilities>(references);
    }

    /// <summary>The objective of a recipe.</summary>
    /// <exception cref="Files.BadInputException">Settings that the objective cannot be computed with.</exception>
    /// <exception cref="ArgumentException">It needs reference log-probabilities and there are none.</exception>
    public static SlotObjective Of(Recipe recipe, IBatchPlan plan, Func<ReferenceLogProbabilities>? references)
    {
        var descriptor = ObjectiveCatalog.Of(recipe.Objective);
        var needed = descriptor.NeedsReference(recipe);
        if (needed && references is null)
            throw new ArgumentException($"objective {descriptor.Name} needs reference log-probabilities", nameof(references));
        return new SlotObjective(descriptor, descriptor.Create(recipe, plan), needed ? references : null);
    }

    /// <summary>From the log-probabilities to the loss's derivative, and back through the model.</summary>
    /// <param name="ready">As in <see cref="ISlotPass.Backward"/>.</param>
    /// <returns>The slot's figures.</returns>
    public double[] Backward(DecoderModel model, Activations activations, SlotBatch batch, Tensor gradient, Action<long>? ready)
    {
        var slot = new ScoredSlot(batch.Step, batch.Slot, batch.ScoredSegments, Segments(batch), References(batch));
        float[] before_R = _descriptor.IsLinear ? [] : OnHost(model.LogProbabilities(activations));
        var coefficients_R = tensor(_objective.Coefficients(slot, before_R), dtype: float32, device: gradient.device);
        var after_R = model.Backward(activations, coefficients_R, gradient, ready);
        return _objective.Figures(slot, _descriptor.IsLinear ? OnHost(after_R) : before_R);
    }

    /// <summary>S: segments of a batch that have a log-probability of their own; a filler segment behind them has none.</summary>
    public int Segments(SlotBatch batch) => _descriptor.SequencesPerItem * batch.Sequences.Length;

    /// <inheritdoc cref="IObjective.Summarize"/>
    public (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures) => _objective.Summarize(step, figures);

    private float[] References(SlotBatch batch)
    {
        if (_references is null) return [];
        var values_S = new float[2 * batch.Sequences.Length];
        for (var index = 0; index < batch.Sequences.Length; index++)
            (values_S[2 * index], values_S[2 * index + 1]) = _references.Value[batch.Sequences[index]];
        return values_S;
    }

    private static float[] OnHost(Tensor values_R) => values_R.cpu().data<float>().ToArray();
}
