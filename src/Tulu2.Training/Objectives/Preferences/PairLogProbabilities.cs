namespace Tulu2.Training.Objectives.Preferences;

/// <summary>The summed log-probabilities of one preference pair under the policy and under the reference, which are 0 where the loss needs no reference.</summary>
internal readonly record struct PairLogProbabilities(double PolicyChosen, double PolicyRejected, double ReferenceChosen, double ReferenceRejected)
{
    /// <summary>Scored tokens of the chosen answer.</summary>
    public int ChosenTokens { get; init; }

    /// <summary>Scored tokens of the rejected answer.</summary>
    public int RejectedTokens { get; init; }

    /// <summary>The same pair with means over the scored tokens of each side in place of sums.</summary>
    public PairLogProbabilities PerToken => this with
    {
        PolicyChosen = PolicyChosen / Divisor(ChosenTokens),
        PolicyRejected = PolicyRejected / Divisor(RejectedTokens),
        ReferenceChosen = ReferenceChosen / Divisor(ChosenTokens),
        ReferenceRejected = ReferenceRejected / Divisor(RejectedTokens),
    };

    /// <summary>The margin x (docs/reference/tulu2.md, DPO): how much more the policy prefers the chosen side than the reference does.</summary>
    public double Margin => PolicyChosen - PolicyRejected - (ReferenceChosen - ReferenceRejected);

    /// <summary>What a mean over so many tokens divides by: the sum over no tokens is 0, and so is its mean.</summary>
    public static double Divisor(int tokens) => Math.Max(1, tokens);
}

/// <summary>What one pair contributes to its step.</summary>
/// <param name="Loss">The pair's loss, before the mean over the step's pairs.</param>
/// <param name="ByChosen">Derivative of <paramref name="Loss"/> with respect to the policy's log-probability of the chosen answer.</param>
/// <param name="ByRejected">The same with respect to the rejected answer's.</param>
/// <param name="RewardChosen">beta * (policy - reference), without gradient; per token where the loss is.</param>
/// <param name="RewardRejected">The same of the rejected answer.</param>
internal readonly record struct PairOutcome(double Loss, double ByChosen, double ByRejected, double RewardChosen, double RewardRejected);
