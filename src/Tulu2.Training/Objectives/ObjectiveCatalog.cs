using Tulu2.Training.Recipes;

namespace Tulu2.Training.Objectives;

/// <summary>Every objective of this assembly, found by reflection.</summary>
public static class ObjectiveCatalog
{
    /// <summary>In the order of <see cref="Objective"/>.</summary>
    public static IReadOnlyList<ObjectiveDescriptor> All { get; } = [.. Found<ObjectiveDescriptor>().OrderBy(objective => objective.Value)];

    /// <summary>Every metric of every objective, by name: what report and messages call a value in a run's files.</summary>
    private static readonly Dictionary<string, MetricDescriptor> MetricsByName =
        All.SelectMany(objective => objective.Metrics).DistinctBy(metric => metric.Name).ToDictionary(metric => metric.Name);

    public static ObjectiveDescriptor Of(Objective value) => All.Single(objective => objective.Value == value);

    /// <summary>A metric by its key in <c>metrics.jsonl</c>. One that no objective of this version gives is called by its key, in a chart of its own.</summary>
    public static MetricDescriptor Metric(string name) => MetricsByName.GetValueOrDefault(name) ?? new MetricDescriptor(name, name, new MetricChart(name, name), name);

    /// <summary>Instances of the classes of this assembly that derive from <typeparamref name="T"/>.</summary>
    internal static IEnumerable<T> Found<T>()
        where T : class =>
        typeof(ObjectiveCatalog).Assembly.GetTypes().Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(T)))
            .Select(type => (T)Activator.CreateInstance(type)!);
}
