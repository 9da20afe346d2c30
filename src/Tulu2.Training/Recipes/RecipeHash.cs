using Tulu2.Files;

namespace Tulu2.Training.Recipes;

/// <summary>
/// Names what decides a run's bits. Two runs with the same hash end with the same parameters, whatever their ranks, checkpoints and paths; a resume
/// under another hash is refused.
/// </summary>
public static class RecipeHash
{
    /// <param name="recipe">The effective recipe: profile applied, virtual shards as they are used.</param>
    /// <param name="content">Hashes of what the paths point at: initial weights, model shape, tokenizer, token store, in a fixed order.</param>
    public static string Of(Recipe recipe, IReadOnlyList<string> content) => ContentHash.OfParts(Parts(recipe).Concat(content));

    /// <summary>The keys that differ in their part of the hash, for the message of a refused resume.</summary>
    public static IReadOnlyList<string> Differences(Recipe one, Recipe other) =>
        [.. RecipeKey.All.Where(key => key.IsInHash && RecipeValue.Write(key.Read(one)) != RecipeValue.Write(key.Read(other))).Select(key => key.Name)];

    private static IEnumerable<string> Parts(Recipe recipe) =>
        RecipeKey.All.Where(key => key.IsInHash).Select(key => $"{key.Name}={RecipeValue.Write(key.Read(recipe))}");
}
