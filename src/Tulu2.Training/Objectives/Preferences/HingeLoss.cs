using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>max(0, 1 - beta x): no gradient once the margin is wide enough (SLiC's, arXiv 2305.10425, on DPO's margin: arXiv 2309.06657).</summary>
internal sealed class HingeLoss : MarginLoss
{
    public override DpoLoss Value => DpoLoss.Hinge;

    public override string? WhyNot(string key) => key switch
    {
        "dpo.label_smoothing" => "it has a margin in place of a probability that labels could be wrong with",
        _ => base.WhyNot(key),
    };

    protected override (double Loss, double Derivative) Evaluate(double margin, DpoRecipe settings)
    {
        var distance = 1 - settings.Beta * margin;
        // Of a margin that is not a number the loss is none either: Max passes it on.
        return (Math.Max(distance, 0), distance > 0 ? -settings.Beta : 0);
    }
}
