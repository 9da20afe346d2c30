using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>The tasks of one model on one benchmark.</summary>
/// <param name="LeftOut">Rows that are not scored: pairs with equal answers, rows that are too long, damage of a file.</param>
/// <param name="Remarks">Remarks for the user about the score.</param>
/// <param name="AllItems">Number of items, those that are scored already included.</param>
public sealed record EvaluationPlan(IReadOnlyList<EvaluationTask> Tasks, IReadOnlyList<RowFault> LeftOut, IReadOnlyList<string> Remarks, int AllItems)
{
    /// <summary>Number of items of all tasks.</summary>
    public int Items => Tasks.Sum(task => task.Count);

    /// <summary>Splits a benchmark into tasks. Reads the whole input, so that rows that cannot be scored are found before any work is done.</summary>
    /// <param name="input">Must have the same options as the evaluators.</param>
    /// <param name="model">Hugging Face directory of the model.</param>
    /// <param name="chunk">Maximum number of items per task.</param>
    /// <param name="isDone">Whether the item of an index is scored already; null: none is.</param>
    /// <exception cref="BadInputException">The input or a row of it cannot be used.</exception>
    public static EvaluationPlan Of(IBenchmark benchmark, BenchmarkInput input, string model, int chunk, Func<int, bool>? isDone = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        var read = benchmark.ReadWithin(input);
        var tasks = Chunks(read.Items.Count, chunk, isDone ?? (_ => false)).Select(part => new EvaluationTask(
            $"{benchmark.Name}:{model}:{input.Path}:{part.First}", benchmark.Name, model, input.Path, part.First, part.Count));
        return new EvaluationPlan([.. tasks], read.LeftOut, [.. benchmark.Remarks(input, read.Items)], read.Items.Count);
    }

    // Runs of consecutive items that are not done, none longer than a chunk.
    private static IEnumerable<(int First, int Count)> Chunks(int items, int chunk, Func<int, bool> isDone)
    {
        var first = 0;
        for (var index = 0; index <= items; index++)
        {
            var ends = index == items || isDone(index);
            if ((ends || index - first == chunk) && index > first)
            {
                yield return (first, index - first);
                first = index;
            }
            if (ends) first = index + 1;
        }
    }
}
