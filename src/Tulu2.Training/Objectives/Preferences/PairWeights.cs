using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>What the loss of a pair is multiplied by (<c>dpo.weighting</c>). A weight has no gradient: it says how much a pair counts, and is not to be learnt.</summary>
internal static class PairWeights
{
    public static PairOutcome Apply(DpoWeighting weighting, PairLogProbabilities pair, PairOutcome outcome)
    {
        if (weighting == DpoWeighting.None) return outcome;
        var weight = OfPolicy(pair);
        return outcome with { Loss = weight * outcome.Loss, ByChosen = weight * outcome.ByChosen, ByRejected = weight * outcome.ByRejected };
    }

    /// <summary>How likely the policy would write both answers itself, by their tokens' mean probabilities, at most 1 (arXiv 2406.11827).</summary>
    public static double OfPolicy(PairLogProbabilities pair)
    {
        var mean = pair.PerToken;
        return Math.Min(1, Math.Exp(mean.PolicyChosen + mean.PolicyRejected));
    }
}
