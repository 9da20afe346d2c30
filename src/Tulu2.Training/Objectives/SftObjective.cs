using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Objectives;

/// <summary>
/// Supervised fine-tuning: the loss of a step is a weighted sum of its tokens' cross-entropies, where the weight of a slot's tokens depends on the
/// step's counts alone. A slot's loss is its sum times that weight, so the gradient of the step is the plain sum of the slots' gradients.
/// </summary>
internal sealed class SftObjective : IObjective
{
    /// <summary>Sequences of one micro-batch in the paper's TPU code.</summary>
    public const int GroupSequences = 32;

    private readonly IBatchPlan _plan;
    private readonly int _slotsPerGroup;

    /// <param name="slotSequences">Sequences per slot.</param>
    /// <exception cref="BadInputException">Groups that are not made of whole slots.</exception>
    public SftObjective(LossReduction reduction, IBatchPlan plan, int slotSequences)
    {
        _plan = plan;
        _slotsPerGroup = reduction switch
        {
            LossReduction.GroupMean => SlotsPerGroup(plan.SlotsPerStep * slotSequences, slotSequences),
            LossReduction.SlotMean => 1,
            _ => plan.SlotsPerStep,
        };
    }

    /// <summary>Slots in one group of 32 sequences; a smaller global batch is one group.</summary>
    /// <exception cref="BadInputException">The slot does not divide the group, or the group the global batch.</exception>
    public static int SlotsPerGroup(int globalSequences, int slotSequences)
    {
        var group = Math.Min(GroupSequences, globalSequences);
        if (group % slotSequences != 0)
            throw new BadInputException("batch.slot", $"{slotSequences} does not divide the {group} sequences over which the profile paper-tpu averages", $"give a divisor of {group}");
        if (globalSequences % group != 0)
            throw new BadInputException("batch.global", $"{globalSequences} is not a multiple of {group}, over which the profile paper-tpu averages", $"give a multiple of {group}");
        return group / slotSequences;
    }

    /// <summary>
    /// The weight of each token loss of a slot in the step's loss; the derivative of the loss with respect to a scored token's log-probability is its
    /// negative. 0 where there is nothing to learn (then nothing is divided by zero).
    /// </summary>
    public double Weight(int step, int slot)
    {
        var first = slot / _slotsPerGroup * _slotsPerGroup;
        var tokens = _slotsPerGroup == _plan.SlotsPerStep ? _plan.LossTokens(step) : 0;
        if (tokens == 0)
            for (var member = first; member < first + _slotsPerGroup; member++) tokens += _plan.LossTokens(step, member);
        return tokens == 0 ? 0 : 1.0 / ((double)tokens * (_plan.SlotsPerStep / _slotsPerGroup));
    }

    /// <returns>[R] the same negative weight for each scored token.</returns>
    public float[] Coefficients(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R)
    {
        var coefficients_R = new float[slot.Segments_R.Length];
        Array.Fill(coefficients_R, (float)-Weight(slot.Step, slot.Slot));
        return coefficients_R;
    }

    /// <returns>[1] the sum of the slot's token losses in row order, unweighted.</returns>
    public double[] Figures(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R)
    {
        var sum = 0.0;
        foreach (var value in logProbabilities_R) sum -= value;
        return [sum];
    }

    /// <returns>[S] the sum of each sequence's token losses, and their number.</returns>
    public (double Loss, int Count)[] ItemLosses(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R)
    {
        var losses = new (double Loss, int Count)[slot.Segments];
        for (var row = 0; row < logProbabilities_R.Length; row++)
        {
            ref var loss = ref losses[slot.Segments_R[row]];
            loss = (loss.Loss - logProbabilities_R[row], loss.Count + 1);
        }
        return losses;
    }

    public (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures)
    {
        var loss = new CompensatedSum();
        for (var slot = 0; slot < figures.Count; slot++)
            if (figures[slot].Length > 0) loss.Add(figures[slot][0] * Weight(step, slot));
        return (loss.Value, []);
    }
}
