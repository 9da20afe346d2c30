using Tulu2.Data.Chat;
using Tulu2.Data.Rows.Reading;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>The input of a benchmark.</summary>
/// <param name="Path">A file or directory.</param>
/// <param name="Chat">The model's tokenizer with its chat template, limited to the model's context, to check the length of items; null: no check.</param>
public sealed record BenchmarkInput(string Path, BenchmarkOptions Options, ChatEncoder? Chat)
{
    /// <summary>The path as a file of rows, and how they are read.</summary>
    public DataFile Rows { get; init; } = Path;
}

/// <summary>Options for reading items. Passed to <see cref="IBenchmark.Read"/> only: an item carries all that its questions and score need.</summary>
/// <param name="MaxTokens">Maximum number of tokens of a generated answer; null: the benchmark's own.</param>
/// <param name="SkipLong">Leave out items that do not fit into the model's context, instead of reporting them as an error.</param>
/// <param name="KeepWholeRows">In a damaged file, score the complete rows before the damage, instead of reporting it as an error.</param>
public sealed record BenchmarkOptions(int? MaxTokens = null, bool SkipLong = false, bool KeepWholeRows = false);
