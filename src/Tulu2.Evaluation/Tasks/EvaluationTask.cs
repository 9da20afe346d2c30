namespace Tulu2.Evaluation.Tasks;

/// <summary>A piece of evaluation work that one evaluator does in one go.</summary>
/// <param name="Id">Unique within the queue.</param>
/// <param name="Benchmark">Name of the benchmark.</param>
/// <param name="Model">Hugging Face directory of the model.</param>
/// <param name="File">The benchmark's input.</param>
/// <param name="First">Index of the first item, from 0.</param>
/// <param name="Count">Number of items.</param>
public sealed record EvaluationTask(string Id, string Benchmark, string Model, string File, int First, int Count);

/// <summary>The result of a task.</summary>
/// <param name="Scores">One for each item of the task, in their order.</param>
/// <param name="Samples">Texts for the report, a few at most.</param>
public sealed record EvaluationOutcome(string TaskId, IReadOnlyList<ItemScore> Scores, IReadOnlyList<EvaluationSample> Samples)
{
    public int Items => Scores.Count;

    /// <summary>Sum of the scores.</summary>
    public double Total => Scores.Sum(score => score.Value);
}
