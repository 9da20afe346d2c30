using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>Identity preference optimization: (x - 1/(2 beta))^2 (arXiv 2310.12036, eq. 17).</summary>
internal sealed class IpoLoss : MarginLoss
{
    public override DpoLoss Value => DpoLoss.Ipo;

    public override void Check(DpoRecipe settings, RecipeFault fault)
    {
        if (settings.LabelSmoothing != 0) throw fault("dpo.label_smoothing", "the ipo loss has no label smoothing", "remove it, or use dpo.loss: sigmoid");
    }

    protected override (double Loss, double Derivative) Evaluate(double margin, DpoRecipe settings)
    {
        var distance = margin - 1 / (2 * settings.Beta);
        return (distance * distance, 2 * distance);
    }
}
