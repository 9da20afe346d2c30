using Tulu2.Data.Rows;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>
/// A benchmark defines its items, the questions about each, and the score of the answers. It is a class with a parameterless constructor, derived from
/// <see cref="Benchmark{TItem}"/>, in a folder of its own; <see cref="BenchmarkCatalogue"/> finds it. Benchmarks do not access a model, so the same code scores
/// stored answers. Stateless and thread-safe.
/// </summary>
public interface IBenchmark
{
    /// <summary>Name on the command line and in files: lower case, words joined by underscores.</summary>
    string Name { get; }

    /// <summary>Unit of the items' scores and of their aggregate.</summary>
    ScoreUnit Unit { get; }

    /// <summary>Whether some of its requests go to a judge.</summary>
    bool IsJudged { get; }

    /// <summary>Whether it is the default benchmark for files of such rows.</summary>
    bool Takes(RowKind rows);

    /// <summary>All items of the input, in order.</summary>
    /// <exception cref="BadInputException">The input cannot be used, or has no items.</exception>
    BenchmarkItems<BenchmarkItem> Read(BenchmarkInput input);

    /// <summary>Remarks for the user about the score, such as items that no answer can get right.</summary>
    IEnumerable<string> Remarks(BenchmarkInput input, IReadOnlyList<BenchmarkItem> items);

    /// <summary>The next question about an item. Pure.</summary>
    /// <param name="answers">Answers to the previous questions, in order.</param>
    /// <returns>Null: no more questions.</returns>
    ModelRequest? Next(BenchmarkItem item, IReadOnlyList<ModelAnswer> answers);

    /// <summary>The score of an item. Pure.</summary>
    /// <param name="answers">Answers to all questions about the item, in order.</param>
    ItemResult Score(BenchmarkItem item, IReadOnlyList<ModelAnswer> answers);

    /// <summary>The score of a set of items: the whole benchmark, or one of its datasets. Pure.</summary>
    /// <param name="scores">Not empty.</param>
    double Aggregate(IReadOnlyList<ItemScore> scores);
}

/// <summary>One item of a benchmark; benchmarks derive their own.</summary>
/// <param name="Id">Unique within the input.</param>
/// <param name="Dataset">Part of the benchmark that the item belongs to; empty: none.</param>
/// <param name="Location">File and line, for error messages.</param>
public abstract record BenchmarkItem(string Id, string Dataset, string Location);

/// <summary>The items to score, and the rows that were left out; damage of a file is listed among those.</summary>
public sealed record BenchmarkItems<TItem>(IReadOnlyList<TItem> Items, IReadOnlyList<RowFault> LeftOut)
    where TItem : BenchmarkItem;

/// <summary>The score of one item.</summary>
/// <param name="Value">In the benchmark's <see cref="IBenchmark.Unit"/>.</param>
/// <param name="Sample">Prompt and answer for the report; null: none.</param>
public sealed record ItemResult(double Value, EvaluationSample? Sample = null);
