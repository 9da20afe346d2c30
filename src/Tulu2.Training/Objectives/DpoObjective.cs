using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives;

/// <summary>The summed log-probabilities of one preference pair under the policy and under the reference.</summary>
internal readonly record struct PairLogProbabilities(double PolicyChosen, double PolicyRejected, double ReferenceChosen, double ReferenceRejected)
{
    /// <summary>The margin x (docs/reference/tulu2.md, DPO): how much more the policy prefers the chosen side than the reference does.</summary>
    public double Margin => PolicyChosen - PolicyRejected - (ReferenceChosen - ReferenceRejected);
}

/// <summary>What one pair contributes.</summary>
/// <param name="Loss">Of the pair, before the mean over the step's pairs.</param>
/// <param name="Gradient">Derivative of <paramref name="Loss"/> with respect to the policy's chosen log-probability; the rejected side's is its negative.</param>
/// <param name="RewardChosen">beta * (policy - reference), no gradient.</param>
internal readonly record struct PairOutcome(double Loss, double Gradient, double RewardChosen, double RewardRejected);

/// <summary>
/// Direct preference optimization: -log sigmoid(beta x) (arXiv 2305.18290, eq. 7) with label smoothing (1-e) L(x) + e L(-x), or IPO (x - 1/(2 beta))^2
/// (arXiv 2310.12036, eq. 17). Facts and known answers: docs/reference/tulu2.md, DPO. Pure arithmetic in double.
/// </summary>
internal sealed class DpoObjective
{
    private readonly DpoLoss _loss;
    private readonly double _beta;
    private readonly double _smoothing;

    /// <exception cref="BadInputException">A beta that is not positive, a smoothing outside [0, 0.5), or smoothing with IPO, which has none.</exception>
    public DpoObjective(DpoRecipe recipe)
    {
        if (!(recipe.Beta > 0) || !double.IsFinite(recipe.Beta))
            throw new BadInputException("dpo.beta", $"{recipe.Beta} is not a positive number", "give a value above 0; the paper's is 0.1");
        if (recipe.LabelSmoothing is not (>= 0 and < 0.5))
            throw new BadInputException("dpo.label_smoothing", $"{recipe.LabelSmoothing} is not in [0, 0.5)", "give the share of labels believed to be flipped, below one half");
        if (recipe.Loss == DpoLoss.Ipo && recipe.LabelSmoothing != 0)
            throw new BadInputException("dpo.label_smoothing", "the ipo loss has no label smoothing", "leave it at 0 or use dpo.loss: sigmoid");
        (_loss, _beta, _smoothing) = (recipe.Loss, recipe.Beta, recipe.LabelSmoothing);
    }

    public PairOutcome Evaluate(PairLogProbabilities pair)
    {
        var (loss, gradient) = _loss == DpoLoss.Sigmoid ? Sigmoid(pair.Margin) : Ipo(pair.Margin);
        return new PairOutcome(loss, gradient, _beta * (pair.PolicyChosen - pair.ReferenceChosen), _beta * (pair.PolicyRejected - pair.ReferenceRejected));
    }

    // (1-e) softplus(-h) + e softplus(h) = softplus(-h) + e h: one term at h = 0, so ln 2 stays ln 2 with smoothing too.
    private (double Loss, double Gradient) Sigmoid(double margin)
    {
        var h = _beta * margin;
        return (SoftPlus(-h) + _smoothing * h, _beta * (_smoothing - Logistic(-h)));
    }

    private (double Loss, double Gradient) Ipo(double margin)
    {
        var distance = margin - 1 / (2 * _beta);
        return (distance * distance, 2 * distance);
    }

    /// <summary>log(1 + exp(z)) without overflow and without loss of small values.</summary>
    internal static double SoftPlus(double z) => Math.Max(z, 0) + LogOnePlus(Math.Exp(-Math.Abs(z)));

    internal static double Logistic(double z)
    {
        var tail = Math.Exp(-Math.Abs(z));
        return z >= 0 ? 1 / (1 + tail) : tail / (1 + tail);
    }

    // log(1 + x) keeps no digit of a small x; the quotient restores what the addition rounded away (Goldberg 1991, theorem 4).
    private static double LogOnePlus(double x)
    {
        var sum = 1 + x;
        return sum == 1 ? x : Math.Log(sum) * (x / (sum - 1));
    }
}
