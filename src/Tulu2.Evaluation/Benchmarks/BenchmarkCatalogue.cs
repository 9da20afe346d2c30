using System.Reflection;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>All benchmarks of this assembly: the classes with a parameterless constructor that implement <see cref="IBenchmark"/>.</summary>
public static class BenchmarkCatalogue
{
    /// <summary>All benchmarks, in ordinal order of their names.</summary>
    public static IReadOnlyList<IBenchmark> All { get; } = Find(typeof(BenchmarkCatalogue).Assembly);

    /// <summary>Those with task data in a folder of their own; the others are scored on files of rows.</summary>
    public static IReadOnlyList<IBenchmark> WithTaskData { get; } = [.. All.Where(benchmark => benchmark.Folder is not null)];

    /// <exception cref="BadInputException">There is no such benchmark.</exception>
    public static IBenchmark Named(string name) => All.FirstOrDefault(benchmark => benchmark.Name == name)
        ?? throw new BadInputException(name, "is not a benchmark", $"give one of {string.Join(", ", All.Select(benchmark => benchmark.Name))}");

    /// <summary>The default benchmark for files of such rows.</summary>
    /// <exception cref="BadInputException">No benchmark scores such rows.</exception>
    public static IBenchmark For(RowKind rows) => All.SingleOrDefault(benchmark => benchmark.Takes(rows))
        ?? throw new BadInputException("--data", $"no benchmark scores {RowKinds.Name(rows)}", "give instruction rows or preference pairs");

    internal static IReadOnlyList<IBenchmark> Find(Assembly assembly) =>
    [
        .. Implementations.In<IBenchmark>(assembly, where: type => type.GetConstructor(Type.EmptyTypes) is not null)
            .OrderBy(benchmark => benchmark.Name, StringComparer.Ordinal),
    ];
}
