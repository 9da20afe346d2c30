using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>A loss of the margin alone: its derivatives with respect to the two sides' log-probabilities (or their means per token) are each other's negatives.</summary>
internal abstract class MarginLoss : PreferenceLoss
{
    public sealed override PairOutcome Evaluate(PairLogProbabilities pair, DpoRecipe settings)
    {
        var perToken = IsPerToken(settings);
        var compared = perToken ? pair.PerToken : pair;
        // As a part of x: beta x + a (n_c - n_j) is beta times this, and a constant changes no derivative.
        var byLength = settings.LengthMargin / settings.Beta * (pair.ChosenTokens - pair.RejectedTokens);
        var (loss, derivative) = Evaluate(compared.Margin + byLength, settings);
        var (chosen, rejected) = perToken ? (PairLogProbabilities.Divisor(pair.ChosenTokens), PairLogProbabilities.Divisor(pair.RejectedTokens)) : (1, 1);
        return new PairOutcome(loss, derivative / chosen, -derivative / rejected,
            settings.Beta * (compared.PolicyChosen - compared.ReferenceChosen), settings.Beta * (compared.PolicyRejected - compared.ReferenceRejected));
    }

    /// <summary>The margin is one of mean log-probabilities per scored token, not of sums.</summary>
    protected virtual bool IsPerToken(DpoRecipe settings) => settings.LengthNormalize;

    /// <summary>The loss and its derivative with respect to the margin.</summary>
    protected abstract (double Loss, double Derivative) Evaluate(double margin, DpoRecipe settings);
}
