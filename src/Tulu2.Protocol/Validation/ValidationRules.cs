using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Validation;

/// <summary>When a run validates, and what follows from the values.</summary>
/// <param name="Metric">The value by which validations are compared, by its name in <c>validation.jsonl</c>.</param>
/// <param name="Every">Steps between validations, at least 1; the run's last step is validated too.</param>
/// <param name="Patience">The run ends after so many validations in a row that are no better than the best before them; 0: never.</param>
/// <param name="KeepBest">The checkpoint of the best validation is kept.</param>
/// <param name="HigherIsBetter">False for a loss.</param>
public sealed record ValidationRules(string Metric, int Every, int Patience, bool KeepBest, bool HigherIsBetter)
{
    public bool IsDue(StepNumber step, StepNumber lastStep) => step > 0 && (step % Every == 0 || step == lastStep);

    /// <summary>A value that is not a number is better than none.</summary>
    public bool IsBetter(double value, double than) => HigherIsBetter ? value > than : value < than;
}
