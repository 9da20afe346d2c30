using Tulu2.Files;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>A recipe that has passed every check, with the memory of where its keys came from.</summary>
public sealed class LoadedRecipe
{
    private readonly RecipeSource _source;

    internal LoadedRecipe(Recipe recipe, RecipeSource source)
    {
        Recipe = recipe;
        _source = source;
    }

    public Recipe Recipe { get; }

    /// <summary>Dotted names of the keys that the file or a flag gave; all others have their defaults, which a profile may move.</summary>
    public IReadOnlySet<string> Given => _source.Given;

    /// <summary>A complaint about the value of a key that only shows later (a file that is not there, a vocabulary that does not fit).</summary>
    public BadInputException Fault(string key, string what, string fix) => _source.Fault(key, what, fix);

    /// <summary>The same with another recipe, such as the one a profile has filled in.</summary>
    public LoadedRecipe With(Recipe recipe) => new(recipe, _source);
}
