using Tulu2.Data.Slots;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Objectives;

/// <summary>What an objective sees of a slot beside its log-probabilities: neither tokens nor the model. Shapes: R scored tokens in row order, S segments.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Slot">The slot within its step, from 0.</param>
/// <param name="Segments_R">[R] the segment that each scored token lies in: the slot's sequence, or of pair k 2k for the chosen and 2k + 1 for the rejected side.</param>
/// <param name="Segments">S.</param>
/// <param name="Reference_S">[S] the reference model's summed log-probability of each segment; empty where the objective needs none.</param>
internal sealed record ScoredSlot(int Step, int Slot, int[] Segments_R, int Segments, float[] Reference_S)
{
    /// <summary>[S] the labels of unpaired preferences, whose segments are their own sequences; empty: there are none.</summary>
    public bool[] Desirable_S { get; init; } = [];

    /// <inheritdoc cref="SlotBatch.Divergence"/>
    public double Divergence { get; init; }
}

/// <summary>
/// What a run minimises, as arithmetic on log-probabilities. Pure: its results depend on the arguments and on the run's counts alone, so that a step has the
/// same bits however its slots are spread over ranks.
/// </summary>
internal interface IObjective
{
    /// <param name="logProbabilities_R">The scored tokens' log-probabilities; empty if the objective is linear (<see cref="ObjectiveDescriptor.IsLinear"/>).</param>
    /// <returns>[R] the derivative of the step's loss with respect to each log-probability.</returns>
    float[] Coefficients(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R);

    /// <returns>The slot's figures, as many as the objective likes: all that <see cref="Summarize"/> gets of the slot, on whatever rank.</returns>
    double[] Figures(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R);

    /// <summary>The slot's loss by item, for the metrics of each source of rows.</summary>
    /// <returns>[items] the sum of an item's losses and how many there are: of its tokens, or of the pair as a whole. Empty: the objective has no such parts.</returns>
    (double Loss, int Count)[] ItemLosses(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R) => [];

    /// <param name="figures">[slots] of the whole step, in slot order; empty where a slot was left out.</param>
    /// <returns>The step's loss and the objective's metrics, in the order of <see cref="ObjectiveDescriptor.Metrics"/>.</returns>
    (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures);
}
