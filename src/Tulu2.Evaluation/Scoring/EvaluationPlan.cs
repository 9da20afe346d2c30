using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>The tasks of one model on one benchmark.</summary>
/// <param name="LeftOut">Rows that are not scored: pairs with equal answers, rows that are too long, damage of a file.</param>
/// <param name="Remarks">Remarks for the user about the score.</param>
public sealed record EvaluationPlan(IReadOnlyList<EvaluationTask> Tasks, IReadOnlyList<RowFault> LeftOut, IReadOnlyList<string> Remarks)
{
    /// <summary>Number of items of all tasks.</summary>
    public int Items => Tasks.Sum(task => task.Count);

    /// <summary>Splits a benchmark into tasks. Reads the whole input, so that rows that cannot be scored are found before any work is done.</summary>
    /// <param name="input">Must have the same options as the evaluators.</param>
    /// <param name="model">Hugging Face directory of the model.</param>
    /// <param name="chunk">Maximum number of items per task.</param>
    /// <exception cref="BadInputException">The input or a row of it cannot be used.</exception>
    public static EvaluationPlan Of(IBenchmark benchmark, BenchmarkInput input, string model, int chunk)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        var read = benchmark.ReadWithin(input);
        var count = read.Items.Count;
        var tasks = Enumerable.Range(0, (count + chunk - 1) / chunk).Select(index => index * chunk).Select(first => new EvaluationTask(
            $"{benchmark.Name}:{model}:{input.Path}:{first}", benchmark.Name, model, input.Path, first, Math.Min(chunk, count - first)));
        return new EvaluationPlan([.. tasks], read.LeftOut, [.. benchmark.Remarks(input, read.Items)]);
    }
}
