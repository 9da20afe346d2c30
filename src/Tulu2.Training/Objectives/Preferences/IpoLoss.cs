using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>Identity preference optimization: (x - 1/(2 beta))^2 (arXiv 2310.12036, eq. 17).</summary>
internal sealed class IpoLoss : MarginLoss
{
    public override DpoLoss Value => DpoLoss.Ipo;

    public override string? WhyNot(string key) => key switch
    {
        "dpo.label_smoothing" => "its target of the margin takes the order of every pair as it is",
        "dpo.length_margin" => "it pulls the margin to one value for all pairs, whatever their lengths",
        _ => base.WhyNot(key),
    };

    protected override (double Loss, double Derivative) Evaluate(double margin, DpoRecipe settings)
    {
        var distance = margin - 1 / (2 * settings.Beta);
        return (distance * distance, 2 * distance);
    }
}
