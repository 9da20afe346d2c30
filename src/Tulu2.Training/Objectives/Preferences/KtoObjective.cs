using Tulu2.Data.Slots;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>
/// KTO (arXiv 2402.01306): of a row with the log-ratio r = log pi(y|x) - log ref(y|x), and of a step with the divergence z = max(0, mean of the log-ratios of its mismatched
/// answers), the loss is the row's weight times 1 - sigmoid(beta (r - z)) where the answer is desirable, and 1 - sigmoid(beta (z - r)) where it is not. No gradient passes
/// through z. The loss of a step is the mean over its rows, whatever the profile.
/// </summary>
internal sealed class KtoObjective(KtoRecipe settings, IBatchPlan plan) : IObjective
{
    private const int FiguresPerRow = 3;

    private readonly record struct Row(bool Desirable, double Policy, double Reference)
    {
        public double LogRatio => Policy - Reference;
    }

    /// <returns>[R] the same for each scored token of a row.</returns>
    public float[] Coefficients(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R)
    {
        var count = Count(slot.Step);
        var bySegment = Array.ConvertAll(RowsOf(slot, logProbabilities_R), row => (float)(Evaluate(row, slot.Divergence).ByPolicy / count));
        return Array.ConvertAll(slot.Segments_R, segment => bySegment[segment]);
    }

    /// <returns>[1 + 3 * rows] the divergence before it is cut at 0; of each row 1 if it is desirable and 0 otherwise, and policy and reference.</returns>
    public double[] Figures(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R) =>
        [slot.Divergence, .. RowsOf(slot, logProbabilities_R).SelectMany(row => new[] { row.Desirable ? 1 : 0, row.Policy, row.Reference })];

    /// <returns>[S] the loss of each row: the mean over all rows is the step's loss.</returns>
    public (double Loss, int Count)[] ItemLosses(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R) =>
        Array.ConvertAll(RowsOf(slot, logProbabilities_R), row => (Evaluate(row, slot.Divergence).Loss, 1));

    /// <exception cref="InvalidOperationException">Two slots were computed with different divergences.</exception>
    public (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures)
    {
        var loss = new CompensatedSum();
        var (desirable, undesirable) = (new LabelTotals(), new LabelTotals());
        var computed = figures.Where(slot => slot.Length > 0).ToList();
        var divergence = computed[0][0];
        foreach (var slot in computed)
        {
            if (!slot[0].Equals(divergence)) throw new InvalidOperationException($"step {step}: slots with the divergences {divergence:R} and {slot[0]:R}");
            for (var at = 1; at < slot.Length; at += FiguresPerRow)
            {
                var row = new Row(slot[at] == 1, slot[at + 1], slot[at + 2]);
                loss.Add(Evaluate(row, divergence).Loss);
                (row.Desirable ? desirable : undesirable).Add(settings.Beta * row.LogRatio, row.Policy);
            }
        }
        return (loss.DividedBy(desirable.Count + undesirable.Count), [.. Metrics(divergence, desirable, undesirable)]);
    }

    private static IEnumerable<NamedValue> Metrics(double divergence, LabelTotals desirable, LabelTotals undesirable)
    {
        yield return new(KtoMetrics.Kl.Name, divergence);
        if (desirable.Count > 0) yield return new(KtoMetrics.RewardsDesirable.Name, desirable.Reward);
        if (undesirable.Count > 0) yield return new(KtoMetrics.RewardsUndesirable.Name, undesirable.Reward);
        if (desirable.Count > 0 && undesirable.Count > 0) yield return new(PreferenceMetrics.RewardsMargin.Name, desirable.Reward - undesirable.Reward);
        if (desirable.Count > 0) yield return new(KtoMetrics.LogpsDesirable.Name, desirable.LogProbability);
        if (undesirable.Count > 0) yield return new(KtoMetrics.LogpsUndesirable.Name, undesirable.LogProbability);
        yield return new(KtoMetrics.CountDesirable.Name, desirable.Count);
        yield return new(KtoMetrics.CountUndesirable.Name, undesirable.Count);
    }

    // The derivative of 1 - sigmoid(v) is -sigmoid(v) sigmoid(-v), the same at v and -v.
    private (double Loss, double ByPolicy) Evaluate(Row row, double divergence)
    {
        // A divergence that is not a number stays one, so that the loss shows it.
        var margin = settings.Beta * (row.LogRatio - (divergence < 0 ? 0 : divergence));
        var slope = settings.Beta * Logistic.Of(margin) * Logistic.Of(-margin);
        return row.Desirable
            ? (settings.DesirableWeight * Logistic.Of(-margin), -settings.DesirableWeight * slope)
            : (settings.UndesirableWeight * Logistic.Of(margin), settings.UndesirableWeight * slope);
    }

    // Rows of the whole step.
    private int Count(int step)
    {
        var rows = 0;
        for (var slot = 0; slot < plan.SlotsPerStep; slot++) rows += plan.ItemsOf(step, slot);
        return rows;
    }

    private static Row[] RowsOf(ScoredSlot slot, ReadOnlySpan<float> logProbabilities_R)
    {
        var sums_S = SegmentSums.Of(logProbabilities_R, slot.Segments_R, slot.Segments);
        var rows = new Row[slot.Segments];
        for (var segment = 0; segment < rows.Length; segment++) rows[segment] = new Row(slot.Desirable_S[segment], sums_S[segment], slot.Reference_S[segment]);
        return rows;
    }

    /// <summary>Sums over the rows of one label, in their order.</summary>
    private sealed class LabelTotals
    {
        private CompensatedSum _rewards, _policy;

        public int Count { get; private set; }

        public double Reward => _rewards.DividedBy(Count);

        public double LogProbability => _policy.DividedBy(Count);

        public void Add(double reward, double policy)
        {
            _rewards.Add(reward);
            _policy.Add(policy);
            Count++;
        }
    }
}
