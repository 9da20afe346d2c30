namespace Tulu2.Evaluation.Tasks;

/// <summary>A piece of evaluation work that one evaluator does in one go.</summary>
/// <param name="Id">Unique within the queue.</param>
/// <param name="Kind">Which scorer takes it: <c>exact_match</c>, <c>preference</c>.</param>
/// <param name="Model">Directory of the Hugging Face export to evaluate.</param>
/// <param name="File">Row file.</param>
/// <param name="First">First row, 0-based.</param>
/// <param name="Count">Rows.</param>
public sealed record EvaluationTask(string Id, string Kind, string Model, string File, int First, int Count);

/// <summary>The scores of a task: sums, so that outcomes add up.</summary>
/// <param name="Samples">Texts worth showing in the report, at most a few.</param>
public sealed record EvaluationOutcome(string TaskId, int Items, double Score, IReadOnlyList<EvaluationSample> Samples)
{
    /// <summary>The same sums by dataset; empty where the rows carry none.</summary>
    public IReadOnlyList<DatasetScore> Datasets { get; init; } = [];
}

/// <summary>The part of an outcome that belongs to one dataset.</summary>
public sealed record DatasetScore(string Dataset, int Items, double Score);

public sealed record EvaluationSample(string Prompt, string Expected, string Output, bool Correct);

/// <summary>Does tasks; one instance per evaluator thread, which owns its model.</summary>
public interface IEvaluator : IDisposable
{
    EvaluationOutcome Run(EvaluationTask task, CancellationToken cancellation);
}

public interface IEvaluatorFactory
{
    IEvaluator Create();
}
