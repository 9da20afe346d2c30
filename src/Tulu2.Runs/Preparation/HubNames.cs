using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Preparation;

/// <summary>What the names on a hub in a recipe stand for.</summary>
/// <param name="Commits">The commit of each repository, by its <c>hf://</c> name without a path.</param>
/// <param name="Names">The <c>hf://</c> name of each path in the cache that took its place.</param>
internal sealed record HubNames(IReadOnlyDictionary<string, string> Commits, IReadOnlyDictionary<string, string> Names)
{
    public static HubNames None { get; } = new(new Dictionary<string, string>(), new Dictionary<string, string>());

    /// <summary>The recipe with the names again: the run directory keeps what holds on every machine, wherever its cache is.</summary>
    public Recipe Restore(Recipe recipe) => Names.Count == 0 ? recipe : recipe with
    {
        Model = recipe.Model with { Path = NameOf(recipe.Model.Path), Tokenizer = NameOf(recipe.Model.Tokenizer) },
        Data = recipe.Data with { Train = Restore(recipe.Data.Train) },
        Validation = recipe.Validation with { Data = Restore(recipe.Validation.Data) },
    };

    private IReadOnlyList<DataSourceRecipe> Restore(IReadOnlyList<DataSourceRecipe> sources) =>
        [.. sources.Select(source => source with { Files = [.. source.Files.Select(file => NameOf(file)!)] })];

    private string? NameOf(string? path) => path is null ? null : Names.GetValueOrDefault(path, path);
}
