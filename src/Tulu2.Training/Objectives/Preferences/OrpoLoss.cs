using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>
/// Fine-tuning on the chosen answers with beta times -log sigmoid(o) beside it, where o is by how much the log-odds of the chosen answer exceed those of the rejected one
/// (arXiv 2403.07691). An answer's probability is the geometric mean of its tokens'. The fine-tuning part is the token mean of the step's chosen answers.
/// </summary>
internal sealed class OrpoLoss : PreferenceLoss
{
    /// <summary>
    /// A mean log-probability above this, the next fp32 number below a probability of 1, is taken as this: the odds of an answer that is certain are infinite. Its gradient
    /// is 0 then.
    /// </summary>
    private const double NearestToCertain = -1.0 / (1 << 24);

    public override DpoLoss Value => DpoLoss.Orpo;

    public override bool NeedsReference => false;

    public override string? WhyNot(string key) => key switch
    {
        "dpo.label_smoothing" => "it learns the chosen answers as they are",
        "dpo.length_normalize" => "its log-probabilities are means per token already",
        "dpo.length_margin" => "its odds are of means per token, which lengths do not move",
        "dpo.weighting" => "most of it is the loss of the chosen answers, which is no mean over pairs that could be weighted",
        "dpo.sft_weight" => "the loss of the chosen answers is a part of it, with the weight 1; dpo.beta weighs the other part",
        _ => base.WhyNot(key),
    };

    public override double SftWeight(DpoRecipe settings) => 1;

    public override PairOutcome Evaluate(PairLogProbabilities pair, DpoRecipe settings)
    {
        var mean = pair.PerToken;
        var (chosen, byChosen) = LogOdds(mean.PolicyChosen);
        var (rejected, byRejected) = LogOdds(mean.PolicyRejected);
        var odds = chosen - rejected;
        var derivative = -settings.Beta * Logistic.Of(-odds);
        return new PairOutcome(
            settings.Beta * Logistic.SoftPlus(-odds),
            derivative * byChosen / PairLogProbabilities.Divisor(pair.ChosenTokens),
            -derivative * byRejected / PairLogProbabilities.Divisor(pair.RejectedTokens),
            settings.Beta * mean.PolicyChosen,
            settings.Beta * mean.PolicyRejected);
    }

    // logit(exp(a)) = a - log(1 - exp(a)), whose derivative is 1 / (1 - exp(a)).
    private static (double Value, double Derivative) LogOdds(double logProbability)
    {
        if (logProbability > NearestToCertain) return (NearestToCertain - Math.Log(Logistic.OneMinusExp(NearestToCertain)), 0);
        var other = Logistic.OneMinusExp(logProbability);
        return (logProbability - Math.Log(other), 1 / other);
    }
}
