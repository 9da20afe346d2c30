using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>-log sigmoid(beta (p_c/n_c - p_j/n_j) - gamma): mean log-probabilities of the policy alone, which have to differ by a target (arXiv 2405.14734).</summary>
internal sealed class SimpoLoss : MarginLoss
{
    /// <summary>gamma of a recipe that names none, as in TRL and LLaMA-Factory.</summary>
    private const double DefaultGamma = 0.5;

    public override DpoLoss Value => DpoLoss.Simpo;

    public override bool NeedsReference => false;

    public override string? WhyNot(string key) => key switch
    {
        "dpo.gamma" => null,
        "dpo.label_smoothing" => "its target margin takes the order of every pair as it is",
        "dpo.length_normalize" => "its log-probabilities are means per token already",
        _ => base.WhyNot(key),
    };

    protected override bool IsPerToken(DpoRecipe settings) => true;

    // The pair's reference values are 0, so its margin is that of the policy alone.
    protected override (double Loss, double Derivative) Evaluate(double margin, DpoRecipe settings)
    {
        var h = settings.Beta * margin - (settings.Gamma ?? DefaultGamma);
        return (Logistic.SoftPlus(-h), -settings.Beta * Logistic.Of(-h));
    }
}
