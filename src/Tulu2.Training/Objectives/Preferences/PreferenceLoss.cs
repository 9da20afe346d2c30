using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>One value of <c>dpo.loss</c>: the loss of a pair. Without state, pure arithmetic in double. <see cref="PreferenceLosses"/> finds it.</summary>
internal abstract class PreferenceLoss
{
    public abstract DpoLoss Value { get; }

    /// <summary>As recipes spell it.</summary>
    public string Name => RecipeValue.Name(Value);

    /// <summary>It looks at the reference model's log-probabilities; otherwise these are neither computed nor stored.</summary>
    public virtual bool NeedsReference => true;

    /// <summary>
    /// Why a key of <c>dpo:</c> has no meaning for this loss, as the end of a sentence; null: it has one. A key with another value than its default is refused with these words;
    /// which losses to use in place of this one is found by asking them.
    /// </summary>
    /// <param name="key">Such as <c>dpo.gamma</c>.</param>
    public virtual string? WhyNot(string key) => key == "dpo.gamma" ? "it has no target margin" : null;

    /// <summary>What the token mean of the chosen answers is multiplied by, before it is added to the mean over the pairs.</summary>
    public virtual double SftWeight(DpoRecipe settings) => settings.SftWeight;

    public abstract PairOutcome Evaluate(PairLogProbabilities pair, DpoRecipe settings);
}
