using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Training;

/// <summary>What a run directory remembers of its recipe: all keys, and the hash of what decides the bits.</summary>
internal static class RunRecipe
{
    private const string HashLine = "# hash of what decides the bits: ";

    public static void Write(RunDirectory directory, Recipe recipe, string hash) =>
        AtomicFile.WriteAllText(directory.Recipe, HashLine + hash + "\n" + RecipeWriter.Write(recipe));

    /// <exception cref="BadInputException">The run in the directory was started with another recipe.</exception>
    public static void CheckSame(RunDirectory directory, Recipe recipe, string hash)
    {
        var first = File.ReadLines(directory.Recipe).FirstOrDefault() ?? "";
        if (first == HashLine + hash) return;
        var differences = RecipeHash.Differences(RecipeReader.Load(directory.Recipe, []).Recipe, recipe);
        throw new BadInputException(directory.Recipe,
            differences.Count > 0
                ? $"the run was started with other values of {string.Join(", ", differences)}"
                : "the run was started with other data, another tokenizer or other initial weights",
            "resume with the recipe and the files it was started with, or start a new run in another --run directory");
    }
}
