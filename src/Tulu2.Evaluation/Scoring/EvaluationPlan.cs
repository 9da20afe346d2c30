using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>The tasks of one model on one benchmark.</summary>
/// <param name="LeftOut">Rows that are not scored: pairs whose sides are equal, rows that are too long, those after a file's damage.</param>
/// <param name="Remarks">Remarks for the user about the score.</param>
public sealed record EvaluationPlan(IReadOnlyList<EvaluationTask> Tasks, IReadOnlyList<RowFault> LeftOut, IReadOnlyList<string> Remarks)
{
    /// <summary>Items of all tasks.</summary>
    public int Items => Tasks.Sum(task => task.Count);

    /// <summary>Splits a benchmark into tasks; reads all of its input, so that every row that cannot be scored is found before any work is done.</summary>
    /// <param name="model">Hugging Face directory.</param>
    /// <param name="chunk">Items of one task.</param>
    /// <param name="input">With the options that the evaluators get too.</param>
    /// <exception cref="BadInputException">The input or a row of it cannot be used.</exception>
    public static EvaluationPlan Of(IBenchmark benchmark, BenchmarkInput input, string model, int chunk)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        var read = benchmark.Read(input);
        var count = read.Items.Count;
        var tasks = Enumerable.Range(0, (count + chunk - 1) / chunk).Select(index => index * chunk).Select(first => new EvaluationTask(
            $"{benchmark.Name}:{model}:{input.Path}:{first}", benchmark.Name, model, input.Path, first, Math.Min(chunk, count - first)));
        return new EvaluationPlan([.. tasks], read.LeftOut, [.. benchmark.Remarks(input, read.Items)]);
    }
}
