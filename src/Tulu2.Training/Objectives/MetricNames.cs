namespace Tulu2.Training.Objectives;

/// <summary>Names of metrics that belong to no objective.</summary>
public static class MetricNames
{
    private const string LossPrefix = "loss/";

    /// <summary>The report's chart with a line for each source.</summary>
    private static readonly MetricChart Losses = new("sources", "Loss by source");

    /// <summary>The name of a source's loss: <c>loss/flan</c>.</summary>
    public static string LossOf(string source) => LossPrefix + source;

    /// <summary>Null: not the name of a source's loss.</summary>
    internal static MetricDescriptor? OfSource(string name) => name.StartsWith(LossPrefix, StringComparison.Ordinal)
        ? new MetricDescriptor(name, $"loss of {name[LossPrefix.Length..]}", Losses, name[LossPrefix.Length..])
        : null;
}
