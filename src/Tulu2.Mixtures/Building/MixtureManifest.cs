using System.Text.Encodings.Web;
using System.Text.Json;
using Tulu2.Files;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Inputs;
using Tulu2.Mixtures.Output;
using Tulu2.Mixtures.Recipes;

namespace Tulu2.Mixtures.Building;

/// <summary>A list that is kept beside the rows.</summary>
internal sealed record ListedFile(string File, long Entries, string Sha256);

/// <summary>
/// <c>manifest.json</c>: what the mixture was made of and what became of it. Without times and full paths: the same recipe and inputs give the same bytes.
/// </summary>
internal static class MixtureManifest
{
    public const string Name = "manifest.json";

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    public static void Write(string folder, string key, MixtureRecipe recipe, IReadOnlyList<SourcePlan> plans, IReadOnlyList<SourceCounts> counts,
        IReadOnlyList<Shard> shards, ListedFile rejected, ListedFile onlyParity, Func<string, string> shown)
    {
        var text = JsonSerializer.Serialize(new
        {
            Key = key,
            Recipe = new
            {
                File = Path.GetFileName(recipe.File),
                recipe.Seed,
                Mode = recipe.Mode == MixtureMode.Parity ? "parity" : "fixed",
                Filters = recipe.Filters.Select(filter => new { filter.Name, filter.Except }),
                Deduplicate = recipe.Duplicates.Kind.ToString().ToLowerInvariant(),
                Format = recipe.Format == ShardFormat.Parquet ? "parquet" : "jsonl.gz",
            },
            Rows = counts.Sum(count => count.Kept),
            Sources = plans.Zip(counts, (plan, count) => Source(plan, count, shown)),
            Shards = shards,
            Rejected = rejected,
            OnlyParity = onlyParity,
        }, Options);
        AtomicFile.WriteAllText(Path.Combine(folder, Name), text + "\n");
    }

    /// <summary>The key that a finished mixture was built under; null: there is none in this folder.</summary>
    /// <exception cref="BadInputException">There is a manifest of something else.</exception>
    public static string? KeyOf(string folder)
    {
        var path = Path.Combine(folder, Name);
        if (!File.Exists(path)) return null;
        return JsonFile.ReadObject(path)["key"]?.ToString()
            ?? throw new BadInputException(path, "is not the manifest of a mixture", "name another directory by --to");
    }

    private static object Source(SourcePlan plan, SourceCounts count, Func<string, string> shown) => new
    {
        count.Name,
        plan.Recipe.Converter,
        Files = plan.Files.Select(file => new { Path = shown(file.Path), file.Bytes, file.Sha256, file.Records, Unreadable = file.Unreadable.Count }),
        count.Taken,
        count.Rejected,
        count.Converted,
        After = count.Left.ToDictionary(left => left.After, left => left.Rows),
        count.OnlyParity,
        count.Kept,
        Paper = plan.Recipe.Paper,
        count.Slips,
    };
}
