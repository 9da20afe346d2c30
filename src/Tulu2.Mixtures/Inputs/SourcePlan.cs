using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Tulu2.Data.Python;
using Tulu2.Files;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Recipes;
using Tulu2.Mixtures.Selection;

namespace Tulu2.Mixtures.Inputs;

/// <summary>What is taken of a source, and every random number that its conversion needs.</summary>
/// <param name="Draws">One number for each place; null: the conversion draws none.</param>
internal sealed record SourcePlan(SourceRecipe Recipe, IReadOnlyList<ScannedFile> Files, SourceSelection Selection, double[]? Draws)
{
    public const string RepeatedIds = "id stands several times";

    /// <summary>Rows whose id another pass over the records has too, in <c>parity</c>.</summary>
    public int RepeatedRows => Math.Max(0, Selection.Passes - 1) * Selection.Records;

    /// <summary>
    /// All sources' plans. In <c>parity</c> they share one random stream, in their order, as the converters of the original do. In <c>fixed</c> each has
    /// its own, so that no source moves another's choice.
    /// </summary>
    /// <param name="files">The files of all sources, in order.</param>
    /// <exception cref="BadInputException">A source has fewer records than the recipe asks for.</exception>
    public static IReadOnlyList<SourcePlan> All(MixtureRecipe recipe, IReadOnlyList<ScannedFile> files)
    {
        var (plans, shared, first) = (new List<SourcePlan>(), new PythonRandom(recipe.Seed), 0);
        foreach (var source in recipe.Sources)
        {
            var own = files.Skip(first).Take(source.Entries.Sum(entry => entry.Paths.Count)).ToList();
            first += own.Count;
            plans.Add(Of(source, own, recipe.Mode == MixtureMode.Parity ? shared : new PythonRandom(SeedOf(recipe.Seed, source.Name))));
        }
        return plans;
    }

    private static SourcePlan Of(SourceRecipe source, IReadOnlyList<ScannedFile> files, PythonRandom random)
    {
        SourceSelection selection;
        try
        {
            selection = source.Conversion.Selection.Select(Entries(source, files), source.Amount, random);
        }
        catch (SelectionFault fault)
        {
            throw source.Fault(fault.Key, fault.What, fault.Fix);
        }
        return new SourcePlan(source, files, selection, source.Conversion.Draws ? Numbers(selection.Count, random) : null);
    }

    private static double[] Numbers(int count, PythonRandom random)
    {
        var numbers = new double[count];
        for (var at = 0; at < count; at++) numbers[at] = random.Random();
        return numbers;
    }

    private static List<EntryCount> Entries(SourceRecipe source, IReadOnlyList<ScannedFile> files)
    {
        var (entries, first) = (new List<EntryCount>(), 0);
        foreach (var entry in source.Entries)
        {
            entries.Add(new EntryCount(entry.Text, files.Skip(first).Take(entry.Paths.Count).Sum(file => file.Records)));
            first += entry.Paths.Count;
        }
        return entries;
    }

    private static BigInteger SeedOf(int seed, string source) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}\n{source}")).AsSpan(0, 16), isUnsigned: true, isBigEndian: true);
}
