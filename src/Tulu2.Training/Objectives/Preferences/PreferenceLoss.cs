using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>One value of <c>dpo.loss</c>: the loss of a pair. Without state, pure arithmetic in double. <see cref="PreferenceLosses"/> finds it.</summary>
internal abstract class PreferenceLoss
{
    public abstract DpoLoss Value { get; }

    /// <summary>It looks at the reference model's log-probabilities; otherwise these are neither computed nor stored.</summary>
    public virtual bool NeedsReference => true;

    /// <summary>Checks the keys of <c>dpo:</c> that this loss restricts further.</summary>
    /// <exception cref="BadInputException">A setting that it cannot use.</exception>
    public virtual void Check(DpoRecipe settings, RecipeFault fault)
    {
    }

    public abstract PairOutcome Evaluate(PairLogProbabilities pair, DpoRecipe settings);
}

/// <summary>A loss of the margin alone: its derivatives with respect to the two sides are each other's negatives.</summary>
internal abstract class MarginLoss : PreferenceLoss
{
    public sealed override PairOutcome Evaluate(PairLogProbabilities pair, DpoRecipe settings)
    {
        var (loss, derivative) = Evaluate(pair.Margin, settings);
        return new PairOutcome(loss, derivative, -derivative,
            settings.Beta * (pair.PolicyChosen - pair.ReferenceChosen), settings.Beta * (pair.PolicyRejected - pair.ReferenceRejected));
    }

    /// <summary>The loss and its derivative with respect to the margin.</summary>
    protected abstract (double Loss, double Derivative) Evaluate(double margin, DpoRecipe settings);
}
