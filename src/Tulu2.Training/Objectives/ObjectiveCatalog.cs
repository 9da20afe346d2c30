using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives;

/// <summary>Every objective of this assembly, found by reflection.</summary>
public static class ObjectiveCatalog
{
    /// <summary>In the order of <see cref="Objective"/>.</summary>
    public static IReadOnlyList<ObjectiveDescriptor> All { get; } = [.. Implementations.In<ObjectiveDescriptor>(typeof(ObjectiveCatalog).Assembly).OrderBy(objective => objective.Value)];

    /// <summary>Every metric of every objective, by name: what report and messages call a value in a run's files.</summary>
    private static readonly Dictionary<string, MetricDescriptor> MetricsByName =
        All.SelectMany(objective => objective.Metrics).DistinctBy(metric => metric.Name).ToDictionary(metric => metric.Name);

    public static ObjectiveDescriptor Of(Objective value) => All.Single(objective => objective.Value == value);

    /// <summary>A metric by its key in <c>metrics.jsonl</c>. One that no objective of this version gives is called by its key, in a chart of its own.</summary>
    public static MetricDescriptor Metric(string name) => MetricsByName.GetValueOrDefault(name) ?? MetricNames.OfSource(name) ?? new MetricDescriptor(name, name, new MetricChart(name, name), name);

    /// <summary>Objectives with a section of the recipe that has no effect under this one.</summary>
    internal static IReadOnlyList<ObjectiveDescriptor> Idle(Objective value) =>
        [.. All.Where(other => other.Section is not null && other.Section != Of(value).Section)];
}
