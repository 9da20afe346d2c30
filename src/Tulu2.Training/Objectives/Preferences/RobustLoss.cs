using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>
/// ((1-e) L(x) - e L(-x)) / (1-2e) of DPO's L(x) = -log sigmoid(beta x): its mean over pairs of which the share e is in the wrong order is L's over pairs that all are in
/// the right one (arXiv 2403.00409). Can be negative. Without <c>dpo.label_smoothing</c> it is L.
/// </summary>
internal sealed class RobustLoss : MarginLoss
{
    public override DpoLoss Value => DpoLoss.Robust;

    // L(-x) = L(x) + h, so the quotient is L(x) - h e/(1-2e): no difference of large numbers, and ln 2 at h = 0.
    protected override (double Loss, double Derivative) Evaluate(double margin, DpoRecipe settings)
    {
        var h = settings.Beta * margin;
        var slope = settings.LabelSmoothing / (1 - 2 * settings.LabelSmoothing);
        return (Logistic.SoftPlus(-h) - slope * h, settings.Beta * (-slope - Logistic.Of(-h)));
    }
}
