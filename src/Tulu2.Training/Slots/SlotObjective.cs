using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>
/// Connects a run's objective to the model on the last stage: passes log-probabilities to the objective and its coefficients to the model. Shapes: R scored
/// tokens, S segments.
/// </summary>
internal sealed class SlotObjective
{
    private readonly ObjectiveDescriptor _descriptor;
    private readonly IObjective _objective;
    private readonly SourceLosses _sources;

    // Opened with the first slot only: the same computer runs the reference pass that creates them.
    private readonly Lazy<ReferenceLogProbabilities>? _references;

    /// <param name="references">Opens the reference log-probabilities; null: the objective needs none.</param>
    /// <param name="sources">The sources of the run's items, for metrics; empty: nothing is said of them.</param>
    public SlotObjective(
        ObjectiveDescriptor descriptor, IObjective objective, Func<ReferenceLogProbabilities>? references = null, IReadOnlyList<SourceItems>? sources = null)
    {
        _descriptor = descriptor;
        _objective = objective;
        _sources = new SourceLosses(sources ?? []);
        _references = references is null ? null : new Lazy<ReferenceLogProbabilities>(references);
    }

    /// <summary>The objective of a recipe.</summary>
    /// <exception cref="Files.BadInputException">The objective does not support the recipe's settings.</exception>
    /// <exception cref="ArgumentException">The objective needs reference log-probabilities, but <paramref name="references"/> is null.</exception>
    public static SlotObjective Of(
        Recipe recipe, IBatchPlan plan, Func<ReferenceLogProbabilities>? references, IReadOnlyList<SourceItems>? sources = null)
    {
        var descriptor = ObjectiveCatalog.Of(recipe.Objective);
        var needed = descriptor.NeedsReference(recipe);
        if (needed && references is null)
            throw new ArgumentException($"objective {descriptor.Name} needs reference log-probabilities", nameof(references));
        return new SlotObjective(descriptor, descriptor.Create(recipe, plan), needed ? references : null, sources);
    }

    /// <summary>Computes the derivatives of the loss with respect to the log-probabilities, and runs the backward pass with them.</summary>
    /// <param name="gradient">[length of the part] fp32; every element is overwritten.</param>
    /// <param name="ready">As in <see cref="ISlotPass.Backward"/>.</param>
    /// <returns>The slot's figures.</returns>
    public double[] Backward(DecoderModel model, Activations activations, SlotBatch batch, Tensor gradient, Action<long>? ready)
    {
        var slot = new ScoredSlot(batch.Step, batch.Slot, batch.ScoredSegments, Segments(batch), References(batch))
        {
            Desirable_S = batch.Desirable,
            Divergence = batch.Divergence,
        };
        float[] before_R = _descriptor.IsLinear ? [] : OnHost(model.LogProbabilities(activations));
        var coefficients_R = tensor(_objective.Coefficients(slot, before_R), dtype: float32, device: gradient.device);
        var after_R = model.Backward(activations, coefficients_R, gradient, ready);
        var scored_R = _descriptor.IsLinear ? OnHost(after_R) : before_R;
        return _sources.Append(_objective.Figures(slot, scored_R), batch, () => _objective.ItemLosses(slot, scored_R));
    }

    /// <summary>S: the number of segments of a batch that are sequences; a filler segment after them is not.</summary>
    public int Segments(SlotBatch batch) => (batch.Desirable.Length > 0 ? _descriptor.SequencesPerItem : _descriptor.ScoredPerItem) * batch.Sequences.Length;

    /// <summary>How much likelier policy than reference finds each sequence of a slot's mismatched batch.</summary>
    /// <param name="scores">[rows] the policy's summed log-probabilities.</param>
    /// <returns>[rows]</returns>
    public double[] LogRatios(SlotBatch mismatched, float[] scores) =>
        [.. mismatched.Sequences.Zip(scores, (row, score) => (double)score - _references!.Value[row].Rejected)];

    /// <inheritdoc cref="IObjective.Summarize"/>
    /// <remarks>The losses of the sources follow the objective's metrics.</remarks>
    public (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures)
    {
        var (own, losses) = _sources.Split(figures);
        var (loss, more) = _objective.Summarize(step, own);
        return (loss, [.. more, .. losses]);
    }

    private float[] References(SlotBatch batch)
    {
        if (_references is null) return [];
        if (_descriptor.HasMismatched) return Array.ConvertAll(batch.Sequences, row => _references.Value[row].Chosen);
        var values_S = new float[2 * batch.Sequences.Length];
        for (var index = 0; index < batch.Sequences.Length; index++)
            (values_S[2 * index], values_S[2 * index + 1]) = _references.Value[batch.Sequences[index]];
        return values_S;
    }

    private static float[] OnHost(Tensor values_R) => values_R.cpu().data<float>().ToArray();
}
