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

    /// <summary>What it measures and how, in a line, for <c>eval list</c>.</summary>
    string Summary { get; }

    /// <summary>Its folder under the root of task data, as in <c>mmlu</c>; null: it is scored on a file of rows.</summary>
    string? Folder { get; }

    /// <summary>Column of the paper's tables that its score stands in; null: none.</summary>
    PaperColumn? Column { get; }

    /// <summary>Unit of the items' scores and of their aggregate.</summary>
    ScoreUnit Unit { get; }

    /// <summary>A lower score is a better one.</summary>
    bool IsLowerBetter { get; }

    /// <summary>What its users call the datasets, in JSON: <c>categories</c>, <c>subjects</c>.</summary>
    string Parts { get; }

    /// <summary>How many items its authors' files have in a mode; null: that is not fixed.</summary>
    int? PublishedItems(EvaluationMode mode);

    /// <summary>Roles of the judges that its requests go to; empty: none.</summary>
    IReadOnlyList<string> Judges { get; }

    /// <summary>Whether some of its requests go to a judge.</summary>
    bool IsJudged { get; }

    /// <summary>Whether programs that the model writes are run.</summary>
    bool RunsPrograms { get; }

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

    /// <summary>What a new draw of items draws from: all of them, or each dataset.</summary>
    ScoreMean Mean => ScoreMean.OfItems;

    /// <summary>Standard error of <see cref="Aggregate"/> over a new draw of items, in the benchmark's unit. Pure.</summary>
    /// <param name="scores">Not empty.</param>
    double StandardError(IReadOnlyList<ItemScore> scores);

    /// <summary>What else its users report of a set of items, by name: <c>pass@10</c>, <c>win_rate</c>. Pure.</summary>
    IReadOnlyDictionary<string, double> Metrics(IReadOnlyList<ItemScore> scores);

    /// <summary>Scores what another program generated or judged, from the files that its users have. No model.</summary>
    /// <exception cref="BadInputException">A file or line cannot be used, or the files do not belong together.</exception>
    EvaluationOutcome ScoreStored(StoredFiles files, CancellationToken cancellation);
}

/// <summary>One item of a benchmark; benchmarks derive their own.</summary>
/// <param name="Id">Unique within the input.</param>
/// <param name="Dataset">Part of the benchmark that the item belongs to; empty: none.</param>
/// <param name="Location">File and line, for error messages.</param>
public abstract record BenchmarkItem(string Id, string Dataset, string Location);

/// <summary>The items to score, and the rows that were left out; damage of a file is listed among those.</summary>
public sealed record BenchmarkItems<TItem>(IReadOnlyList<TItem> Items, IReadOnlyList<RowFault> LeftOut)
    where TItem : BenchmarkItem
{
    /// <summary>The reader has compared their prompts with the model's context.</summary>
    public bool AreWithinContext { get; init; }
}

/// <summary>The score of one item.</summary>
/// <param name="Value">In the benchmark's <see cref="IBenchmark.Unit"/>.</param>
/// <param name="Sample">Prompt and answer for the report; null: none.</param>
public sealed record ItemResult(double Value, EvaluationSample? Sample = null)
{
    /// <summary>Further figures of the item, which <see cref="IBenchmark.Metrics"/> may aggregate.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = ItemScore.NoMetrics;
}

/// <summary>Files of another program, to be scored without a model.</summary>
/// <param name="Outputs">What it generated; null: verdicts suffice.</param>
/// <param name="Verdicts">What a judge said of it; null: none, or the benchmark has no judge.</param>
/// <param name="Input">The benchmark's own items, where they are needed and given.</param>
/// <param name="Model">Name of the model in files that hold several; null: they hold one.</param>
/// <param name="Runner">Runs programs; null: the benchmark has none.</param>
public sealed record StoredFiles(string? Outputs, string? Verdicts, BenchmarkInput? Input, string? Model, ICodeRunner? Runner)
{
    /// <summary>How verdicts are read where there is no <see cref="Input"/>, whose options say it.</summary>
    public EvaluationMode Mode { get; init; } = Input?.Options.Mode ?? EvaluationMode.Parity;
}

/// <summary>A column of the paper's tables.</summary>
public enum PaperColumn
{
    Mmlu,
    Gsm8k,
    Bbh,
    TydiQa,
    CodexEval,
    AlpacaEval,
    ToxiGen,
    TruthfulQa,
    MtBench,
}
