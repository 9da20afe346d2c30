namespace Tulu2.Evaluation.Tasks;

/// <summary>A unit of evaluation work, done by one evaluator.</summary>
/// <param name="Id">Unique within the queue.</param>
/// <param name="Benchmark">Name of the benchmark.</param>
/// <param name="Model">Hugging Face directory of the model.</param>
/// <param name="File">The benchmark's input.</param>
/// <param name="First">Index of the first item, from 0.</param>
/// <param name="Count">Number of items.</param>
public sealed record EvaluationTask(string Id, string Benchmark, string Model, string File, int First, int Count);

/// <summary>The result of a task.</summary>
/// <param name="Scores">[items] the score of each item of the task, in order.</param>
public sealed record EvaluationOutcome(string TaskId, IReadOnlyList<ItemScore> Scores)
{
    public int Items => Scores.Count;

    /// <summary>Sum of the scores.</summary>
    public double Total => Scores.Where(score => score.IsScored).Sum(score => score.Value);

    /// <summary>What judges did for it; empty: there were none.</summary>
    public IReadOnlyList<JudgeUse> Judges { get; init; } = [];
}
