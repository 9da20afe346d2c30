using Tulu2.Evaluation.Tasks;

namespace Tulu2.Cli.Evaluations;

/// <summary>Outcomes of all the tasks of one file, added up.</summary>
/// <param name="Score">Points; at most one an item.</param>
internal sealed record EvaluationSummary(int Items, double Score, IReadOnlyList<EvaluationSample> Samples)
{
    private const int SamplesKept = 12;

    /// <summary>In [0, 1]; 0 without items.</summary>
    public double Rate => Items == 0 ? 0 : Score / Items;

    public static EvaluationSummary Of(IEnumerable<EvaluationOutcome> outcomes)
    {
        var list = outcomes.ToList();
        return new EvaluationSummary(list.Sum(outcome => outcome.Items), list.Sum(outcome => outcome.Score),
            [.. list.SelectMany(outcome => outcome.Samples).Take(SamplesKept)]);
    }
}
