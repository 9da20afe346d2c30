using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives;

/// <summary>The values by which <c>validation.metric</c> can choose a model.</summary>
public static class ValidationMetrics
{
    public const string Loss = "loss";

    /// <returns>By name: whether a higher value is better.</returns>
    public static IReadOnlyDictionary<string, bool> Of(Objective objective) => new Dictionary<string, bool>(
    [
        KeyValuePair.Create(Loss, false),
        .. ObjectiveCatalog.Of(objective).Metrics.Where(metric => metric.HigherIsBetter is not null)
            .Select(metric => KeyValuePair.Create(metric.Name, metric.HigherIsBetter!.Value)),
    ]);
}
