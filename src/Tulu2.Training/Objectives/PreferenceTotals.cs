using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Objectives;

/// <summary>Means over the pairs of a step, added in pair order (docs/reference/tulu2.md, metrics of DPO).</summary>
internal sealed class PreferenceTotals(DpoObjective objective)
{
    private CompensatedSum _loss, _rewardsChosen, _rewardsRejected, _margin, _logpsChosen, _logpsRejected;
    private int _pairs, _correct;

    public void Add(PairLogProbabilities pair)
    {
        var outcome = objective.Evaluate(pair);
        _loss.Add(outcome.Loss);
        _rewardsChosen.Add(outcome.RewardChosen);
        _rewardsRejected.Add(outcome.RewardRejected);
        _margin.Add(outcome.RewardChosen - outcome.RewardRejected);
        _logpsChosen.Add(pair.PolicyChosen);
        _logpsRejected.Add(pair.PolicyRejected);
        if (outcome.RewardChosen > outcome.RewardRejected) _correct++;
        _pairs++;
    }

    public double Loss => _loss.DividedBy(_pairs);

    public PreferenceMetrics Metrics => new(
        _rewardsChosen.DividedBy(_pairs), _rewardsRejected.DividedBy(_pairs), _margin.DividedBy(_pairs), (double)_correct / _pairs,
        _logpsChosen.DividedBy(_pairs), _logpsRejected.DividedBy(_pairs));
}
