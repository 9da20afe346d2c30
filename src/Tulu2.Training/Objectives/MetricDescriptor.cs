namespace Tulu2.Training.Objectives;

/// <summary>A value that an objective gives for each step beside its loss.</summary>
/// <param name="Name">The key in <c>metrics.jsonl</c>, in snake case. TensorBoard's tag is the same with a slash for the first underscore.</param>
/// <param name="Words">What it is, for the message about a value that is not finite.</param>
/// <param name="Chart">The report's chart that shows it.</param>
/// <param name="Line">Name of its line in the chart.</param>
/// <param name="IsDerived">Computed from other metrics of the step: where several values are not finite, one of those is the cause.</param>
public sealed record MetricDescriptor(string Name, string Words, MetricChart Chart, string Line, bool IsDerived = false)
{
    /// <summary>A model with a higher value is better (false: worse), so that <c>validation.metric</c> may choose by it; null: it says nothing of that.</summary>
    public bool? HigherIsBetter { get; init; }
}

/// <summary>A chart of the report, with a line for each of the metrics that name it.</summary>
/// <param name="Id">Unique among the charts of a run.</param>
/// <param name="Title">With the unit in brackets, where there is one.</param>
/// <param name="FromZero">The axis begins at 0.</param>
public sealed record MetricChart(string Id, string Title, bool FromZero = false);
