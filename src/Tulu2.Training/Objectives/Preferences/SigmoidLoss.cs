using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>
/// Direct preference optimization: -log sigmoid(beta x) of the margin x (<see cref="PairLogProbabilities.Margin"/>; arXiv 2305.18290, eq. 7), with label smoothing
/// (1-e) L(x) + e L(-x). Facts and known answers:
/// docs/reference/tulu2.md, DPO.
/// </summary>
internal sealed class SigmoidLoss : MarginLoss
{
    public override DpoLoss Value => DpoLoss.Sigmoid;

    // (1-e) softplus(-h) + e softplus(h) = softplus(-h) + e h: one term at h = 0, so ln 2 stays ln 2 with smoothing too.
    protected override (double Loss, double Derivative) Evaluate(double margin, DpoRecipe settings)
    {
        var h = settings.Beta * margin;
        return (Logistic.SoftPlus(-h) + settings.LabelSmoothing * h, settings.Beta * (settings.LabelSmoothing - Logistic.Of(-h)));
    }
}
