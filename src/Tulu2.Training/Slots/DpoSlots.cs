using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;
using Tulu2.Training.Reference;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>
/// Slots of preference pairs: segment 2k is the chosen, 2k + 1 the rejected side of the slot's pair k. The loss of a step is the mean over its pairs,
/// whatever the profile. Shapes: R scored rows of the slot.
/// </summary>
internal sealed class DpoSlots(DpoObjective objective, Func<ReferenceLogProbabilities> references, IBatchPlan plan) : ISlotObjective
{
    // Not before the first slot: the same computer also does the pass that makes them.
    private readonly Lazy<ReferenceLogProbabilities> _references = new(references);

    private const int FiguresPerPair = 4;

    /// <returns>[4 * pairs] policy chosen, policy rejected, reference chosen, reference rejected of each pair.</returns>
    public double[] Backward(DecoderModel model, Activations activations, SlotBatch batch, Tensor gradient, Action<long>? ready)
    {
        var sums = SegmentSums.Of(model.LogProbabilities(activations).cpu().data<float>().ToArray(), batch.ScoredSegments, 2 * batch.Sequences.Length);
        var figures = new double[FiguresPerPair * batch.Sequences.Length];
        var bySegment = new float[sums.Length];
        var pairs = Pairs(batch.Step);
        for (var index = 0; index < batch.Sequences.Length; index++)
        {
            var (chosen, rejected) = _references.Value[batch.Sequences[index]];
            var pair = new PairLogProbabilities(sums[2 * index], sums[2 * index + 1], chosen, rejected);
            Write(pair, figures.AsSpan(FiguresPerPair * index));
            var derivative = (float)(objective.Evaluate(pair).Gradient / pairs);
            (bySegment[2 * index], bySegment[2 * index + 1]) = (derivative, -derivative);
        }
        var coefficients_R = tensor(Array.ConvertAll(batch.ScoredSegments, segment => bySegment[segment]), dtype: float32, device: gradient.device);
        model.Backward(activations, coefficients_R, gradient, ready);
        return figures;
    }

    public int Segments(SlotBatch batch) => 2 * batch.Sequences.Length;

    public (double Loss, PreferenceMetrics? Preference) Summarize(int step, IReadOnlyList<double[]> figures)
    {
        var totals = new PreferenceTotals(objective);
        foreach (var slot in figures)
            for (var at = 0; at < slot.Length; at += FiguresPerPair)
                totals.Add(new PairLogProbabilities(slot[at], slot[at + 1], slot[at + 2], slot[at + 3]));
        return (totals.Loss, totals.Metrics);
    }

    private int Pairs(int step)
    {
        var pairs = 0;
        for (var slot = 0; slot < plan.SlotsPerStep; slot++) pairs += plan.ItemsOf(step, slot);
        return pairs;
    }

    private static void Write(PairLogProbabilities pair, Span<double> figures) =>
        (figures[0], figures[1], figures[2], figures[3]) = (pair.PolicyChosen, pair.PolicyRejected, pair.ReferenceChosen, pair.ReferenceRejected);
}
