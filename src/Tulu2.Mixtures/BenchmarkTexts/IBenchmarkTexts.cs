using Tulu2.Data.Benchmarks;
using Tulu2.Files;

namespace Tulu2.Mixtures.BenchmarkTexts;

/// <summary>
/// Reads the texts of a benchmark's items from its files as they are published: those that a model is scored on, without examples of prompts. One class
/// without constructor parameters in one file of <c>BenchmarkTexts/Sources</c>; it is found there by reflection (docs/extending/benchmark-texts.md).
/// </summary>
internal interface IBenchmarkTexts
{
    /// <summary>The name for <c>--against</c>: that of the benchmark and of its folder, in lower case.</summary>
    string Name { get; }

    /// <exception cref="BadInputException">A file is missing, or is not the benchmark's.</exception>
    IEnumerable<ItemTexts> Read(BenchmarkFolder folder);
}
