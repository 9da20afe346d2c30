using Tulu2.Data.Chat;
using Tulu2.Data.Rows.Reading;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>The input of a benchmark.</summary>
/// <param name="Path">A file or directory.</param>
/// <param name="Chat">The model's tokenizer with its chat template, cut at the model's context, by which items are measured; null: every item fits.</param>
public sealed record BenchmarkInput(string Path, BenchmarkOptions Options, ChatEncoder? Chat)
{
    /// <summary>The path as a file of rows, and how they are read.</summary>
    public DataFile Rows { get; init; } = Path;
}

/// <summary>How items are read. Reaches <see cref="IBenchmark.Read"/> only: an item carries what its questions and score need.</summary>
/// <param name="MaxTokens">Maximum number of tokens of a generated answer; null: the benchmark's own.</param>
/// <param name="SkipLong">Items that do not fit into the model's context are left out; otherwise they are an error that names them all.</param>
/// <param name="KeepWholeRows">The whole rows before the damage of a damaged file are scored; otherwise the damage is an error.</param>
public sealed record BenchmarkOptions(int? MaxTokens = null, bool SkipLong = false, bool KeepWholeRows = false);
