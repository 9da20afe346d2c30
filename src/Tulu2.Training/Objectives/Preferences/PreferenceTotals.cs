using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Objectives.Preferences;

/// <summary>Means over the pairs of a step, added in pair order (docs/reference/tulu2.md, metrics of DPO).</summary>
/// <param name="sftWeight">What the token mean of the chosen answers is multiplied by in the loss.</param>
internal sealed class PreferenceTotals(double sftWeight = 0)
{
    private CompensatedSum _loss, _rewardsChosen, _rewardsRejected, _margin, _logpsChosen, _logpsRejected;
    private long _tokensChosen, _tokensRejected;
    private int _pairs, _correct;

    public void Add(PairLogProbabilities pair, PairOutcome outcome)
    {
        _loss.Add(outcome.Loss);
        _rewardsChosen.Add(outcome.RewardChosen);
        _rewardsRejected.Add(outcome.RewardRejected);
        _margin.Add(outcome.RewardChosen - outcome.RewardRejected);
        _logpsChosen.Add(pair.PolicyChosen);
        _logpsRejected.Add(pair.PolicyRejected);
        if (outcome.RewardChosen > outcome.RewardRejected) _correct++;
        _tokensChosen += pair.ChosenTokens;
        _tokensRejected += pair.RejectedTokens;
        _pairs++;
    }

    // A step whose chosen answers have no scored token has nothing to learn of them.
    public double Loss => sftWeight == 0 || _tokensChosen == 0 ? _loss.DividedBy(_pairs) : _loss.DividedBy(_pairs) - sftWeight * _logpsChosen.DividedBy(_tokensChosen);

    /// <summary>In the order of <see cref="PreferenceMetrics.All"/>.</summary>
    public NamedValues Metrics =>
    [
        new(PreferenceMetrics.RewardsChosen.Name, _rewardsChosen.DividedBy(_pairs)),
        new(PreferenceMetrics.RewardsRejected.Name, _rewardsRejected.DividedBy(_pairs)),
        new(PreferenceMetrics.RewardsMargin.Name, _margin.DividedBy(_pairs)),
        new(PreferenceMetrics.RewardsAccuracy.Name, (double)_correct / _pairs),
        new(PreferenceMetrics.LogpsChosen.Name, _logpsChosen.DividedBy(_pairs)),
        new(PreferenceMetrics.LogpsRejected.Name, _logpsRejected.DividedBy(_pairs)),
        new(PreferenceMetrics.LengthChosen.Name, (double)_tokensChosen / _pairs),
        new(PreferenceMetrics.LengthRejected.Name, (double)_tokensRejected / _pairs),
    ];
}
