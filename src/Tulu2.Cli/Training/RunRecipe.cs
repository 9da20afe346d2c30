using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Training;

/// <summary>What a run directory remembers of its recipe: all keys, and the hash of what decides the bits.</summary>
internal static class RunRecipe
{
    private const string HashLine = "# hash of what decides the bits: ";

    public static void Write(RunDirectory directory, Recipe recipe, string hash) =>
        AtomicFile.WriteAllText(directory.Recipe, HashLine + hash + "\n" + RecipeWriter.Write(recipe));

    // A pattern may stand for other files than it did when the run began.
    private static string? OtherFiles(IReadOnlyList<string> before, IReadOnlyList<string> now)
    {
        var (old, files) = (before.Select(Path.GetFileName).ToList(), now.Select(Path.GetFileName).ToList());
        if (old.SequenceEqual(files)) return null;
        var (more, less) = (files.Except(old).ToList(), old.Except(files).ToList());
        return "the run was started with other data: data.train stands for other files now"
            + (more.Count > 0 ? $", with {string.Join(", ", more)}" : "") + (less.Count > 0 ? $", without {string.Join(", ", less)}" : "");
    }

    /// <exception cref="BadInputException">The run in the directory was started with another recipe.</exception>
    public static void CheckSame(RunDirectory directory, Recipe recipe, string hash)
    {
        var first = File.ReadLines(directory.Recipe).FirstOrDefault() ?? "";
        if (first == HashLine + hash) return;
        var before = RecipeReader.Load(directory.Recipe, []).Recipe;
        var differences = RecipeHash.Differences(before, recipe);
        throw new BadInputException(directory.Recipe,
            differences.Count > 0
                ? $"the run was started with other values of {string.Join(", ", differences)}"
                : OtherFiles(before.Data.Train, recipe.Data.Train) ?? "the run was started with other data, another tokenizer or other initial weights",
            "resume with the recipe and the files it was started with, or start a new run in another --run directory");
    }
}
