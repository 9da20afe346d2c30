using Tulu2.Data.Slots;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>
/// A preference loss over a step: segment 2k is the chosen, 2k + 1 the rejected side of a slot's pair k. The loss of a step is the mean over its pairs, whatever the
/// profile, and with a weight of fine-tuning w also w times the mean over all scored tokens of its chosen answers.
/// </summary>
internal sealed class PreferenceObjective(PreferenceLoss loss, DpoRecipe settings, IBatchPlan plan) : IObjective
{
    private const int FiguresPerPair = 6;

    private readonly double _sftWeight = loss.SftWeight(settings);

    /// <returns>[R] the same for each scored token of a side.</returns>
    public float[] Coefficients(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R)
    {
        var pairs = PairsOf(slot, logProbabilities_R);
        var count = Count(slot.Step);
        var perChosenToken = SftWeightOfToken(slot.Step);
        var bySegment = new float[slot.Segments];
        for (var index = 0; index < pairs.Length; index++)
        {
            var outcome = Evaluate(pairs[index]);
            (bySegment[2 * index], bySegment[2 * index + 1]) = ((float)(outcome.ByChosen / count - perChosenToken), (float)(outcome.ByRejected / count));
        }
        return Array.ConvertAll(slot.Segments_R, segment => bySegment[segment]);
    }

    /// <returns>[6 * pairs] policy chosen, policy rejected, reference chosen, reference rejected, scored tokens of the chosen and of the rejected side.</returns>
    public double[] Figures(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R) =>
    [
        .. PairsOf(slot, logProbabilities_R).SelectMany(pair => new[]
        {
            pair.PolicyChosen, pair.PolicyRejected, pair.ReferenceChosen, pair.ReferenceRejected, pair.ChosenTokens, pair.RejectedTokens,
        }),
    ];

    /// <returns>[S / 2] the loss of each pair, with its part in the mean over the chosen answers' tokens: the mean over all pairs is the step's loss.</returns>
    public (double Loss, int Count)[] ItemLosses(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R)
    {
        var perChosenToken = Count(slot.Step) * SftWeightOfToken(slot.Step);
        return Array.ConvertAll(PairsOf(slot, logProbabilities_R), pair => (Evaluate(pair).Loss - perChosenToken * pair.PolicyChosen, 1));
    }

    public (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures)
    {
        var totals = new PreferenceTotals(_sftWeight);
        foreach (var slot in figures)
            for (var at = 0; at < slot.Length; at += FiguresPerPair)
            {
                var pair = new PairLogProbabilities(slot[at], slot[at + 1], slot[at + 2], slot[at + 3])
                {
                    ChosenTokens = (int)slot[at + 4],
                    RejectedTokens = (int)slot[at + 5],
                };
                totals.Add(pair, Evaluate(pair));
            }
        return (totals.Loss, totals.Metrics);
    }

    private PairOutcome Evaluate(PairLogProbabilities pair) => PairWeights.Apply(settings.Weighting, pair, loss.Evaluate(pair, settings));

    // The weight of each scored token of a chosen answer in the step's loss, beside its pair's. From the plan's counts, since a slot sees only its own tokens.
    private double SftWeightOfToken(int step) => _sftWeight == 0 ? 0 : _sftWeight / Math.Max(1, plan.ChosenLossTokens(step));

    // Pairs of the whole step.
    private int Count(int step)
    {
        var pairs = 0;
        for (var slot = 0; slot < plan.SlotsPerStep; slot++) pairs += plan.ItemsOf(step, slot);
        return pairs;
    }

    private static PairLogProbabilities[] PairsOf(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R)
    {
        var sums_S = SegmentSums.Of(logProbabilities_R, slot.Segments_R, slot.Segments);
        var tokens_S = new int[slot.Segments];
        foreach (var segment in slot.Segments_R) tokens_S[segment]++;
        var pairs = new PairLogProbabilities[slot.Segments / 2];
        for (var index = 0; index < pairs.Length; index++)
        {
            var (chosen, rejected) = (2 * index, 2 * index + 1);
            var (referenceChosen, referenceRejected) = slot.Reference_S.Length == 0 ? (0, 0) : (slot.Reference_S[chosen], slot.Reference_S[rejected]);
            pairs[index] = new PairLogProbabilities(sums_S[chosen], sums_S[rejected], referenceChosen, referenceRejected)
            {
                ChosenTokens = tokens_S[chosen],
                RejectedTokens = tokens_S[rejected],
            };
        }
        return pairs;
    }
}
