using System.Text.Json;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Cluster.Evaluations;

/// <summary>Creates evaluators for work of any run, whose settings come with the work.</summary>
public interface IEvaluatorHosting
{
    /// <param name="yieldsProcessor">It computes only while nobody else wants the processor: ranks of the run may be beside it.</param>
    IEvaluator Create(EvaluatorSettings settings, bool yieldsProcessor);
}

/// <summary>Creates the evaluators of a worker.</summary>
internal interface IEvaluatorSource
{
    /// <param name="settings">As they came with the work; null: none did.</param>
    IEvaluator Create(string? settings);
}

/// <summary>Evaluators whose settings are known from the start.</summary>
internal sealed class FixedEvaluatorSource(IEvaluatorFactory factory) : IEvaluatorSource
{
    public IEvaluator Create(string? settings) => factory.Create();
}

/// <summary>Evaluators for the settings that come with the work.</summary>
internal sealed class HostedEvaluatorSource(IEvaluatorHosting hosting) : IEvaluatorSource
{
    public IEvaluator Create(string? settings) => Create(JsonSerializer.Deserialize<Order>(settings!)!);

    private IEvaluator Create(Order order) => hosting.Create(order.Settings, order.YieldsProcessor);

    /// <summary>Settings as they go with work.</summary>
    public static string Text(EvaluatorSettings settings, bool yieldsProcessor) => JsonSerializer.Serialize(new Order(settings, yieldsProcessor));

    private sealed record Order(EvaluatorSettings Settings, bool YieldsProcessor);
}
