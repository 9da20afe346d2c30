using Tulu2.Files;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>Where each key of a recipe was given, so that every complaint names the line or the argument.</summary>
/// <param name="file">The recipe file as the user named it.</param>
internal sealed class RecipeSource(string file)
{
    private readonly Dictionary<string, string> _places = [];

    public string File { get; } = file;

    public IReadOnlySet<string> Given => _places.Keys.ToHashSet();

    public void AtLine(string key, long line) => _places[key] = $"{File}:{line}";

    public void AtArgument(string key, string argument) => _places[key] = argument;

    public void Forget(string key) => _places.Remove(key);

    /// <summary>The line or argument that gave the first of <paramref name="keys"/> that was given; the file where none was.</summary>
    public string Where(params string[] keys) => keys.Select(key => _places.GetValueOrDefault(key)).FirstOrDefault(place => place is not null) ?? File;

    public BadInputException Fault(string key, string what, string fix) => new($"{Where(key)}: {key}", what, fix);
}
