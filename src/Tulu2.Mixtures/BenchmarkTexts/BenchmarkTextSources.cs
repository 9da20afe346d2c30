using Tulu2.Files;

namespace Tulu2.Mixtures.BenchmarkTexts;

/// <summary>Every source of a benchmark's texts in this assembly, found by reflection.</summary>
public static class BenchmarkTextSources
{
    /// <summary>Stands for all of them.</summary>
    public const string Every = "all";

    /// <summary>All names, in ordinal order.</summary>
    public static IReadOnlyList<string> Names => [.. All.Select(source => source.Name)];

    internal static IReadOnlyList<IBenchmarkTexts> All { get; } =
        [.. Implementations.In<IBenchmarkTexts>(typeof(IBenchmarkTexts).Assembly).OrderBy(source => source.Name, StringComparer.Ordinal)];

    /// <exception cref="BadInputException">There is no benchmark of that name.</exception>
    internal static IBenchmarkTexts Named(string name)
    {
        if (All.FirstOrDefault(source => source.Name == name) is { } found) return found;
        var near = NearestName.Of(name, Names) is { } close ? $"did you mean '{close}'? " : "";
        throw new BadInputException($"--against {name}", "there is no such benchmark",
            $"{near}use some of {string.Join(", ", Names)}; {Every} for all of them; file:PATH for rows of your own");
    }
}
