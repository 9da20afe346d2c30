using System.Text.Json;
using Tulu2.Files;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.RunFiles;

/// <summary>
/// The number of replicas that a run was scaled to, <c>scale.json</c> in its directory: whoever coordinates the run follows it, also after a resume, until the recipe's
/// <c>parallel.data</c> is another one.
/// </summary>
/// <param name="Data">Replicas.</param>
/// <param name="Of"><c>parallel.data</c> of the run's recipe when it was scaled; 0: chosen by the number of processors.</param>
internal sealed record ScaleFile(int Data, int Of)
{
    private static readonly JsonSerializerOptions Names = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Writes the file; a coordinator of the run sees it within a second.</summary>
    /// <exception cref="BadInputException">There is no such run, or it cannot have this number of replicas.</exception>
    public static void Write(RunDirectory directory, int data)
    {
        if (!File.Exists(directory.Recipe))
            throw new BadInputException(directory.Root, "is no run: it has no recipe.yaml", "name the directory of a run");
        var recipe = RecipeReader.Load(directory.Recipe, []).Recipe;
        Check(recipe, data);
        AtomicFile.WriteAllText(directory.Scale, JsonSerializer.Serialize(new ScaleFile(data, recipe.Parallel.Data), Names));
    }

    /// <summary>Replicas that the run was scaled to; null: it was never scaled, the recipe was changed since, or the file is damaged.</summary>
    /// <param name="parallel">Of the recipe.</param>
    public static int? DataOf(RunDirectory directory, ParallelRecipe parallel)
    {
        try
        {
            return File.Exists(directory.Scale) && JsonSerializer.Deserialize<ScaleFile>(File.ReadAllText(directory.Scale), Names) is { Data: > 0 } file
                && file.Of == parallel.Data && file.Data % parallel.Zero == 0 ? file.Data : null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Check(Recipe recipe, int data)
    {
        var (zero, slots) = (recipe.Parallel.Zero, recipe.Batch.Global / recipe.Batch.Slot);
        if (data < 1 || data % zero != 0)
            throw new BadInputException("--data", $"{NumberText.Count(data, "replica")} cannot be divided into groups of {zero} that share the optimizer state (parallel.zero)",
                $"use a multiple of {zero}, at least {zero}");
        if (data > slots)
            throw new BadInputException("--data", $"a step has {NumberText.Count(slots, "slot")}, so that some of {NumberText.Count(data, "replica")} would have nothing to compute",
                $"use {slots / zero * zero} at most");
    }
}
