using Tulu2.Files;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>Turns YAML nodes into values of recipe keys.</summary>
/// <param name="directory">What relative paths are relative to.</param>
/// <param name="where">Names the place of a node for a complaint.</param>
/// <param name="given">Is told each key that gets a value, and the node that names it.</param>
internal sealed class RecipeBinder(string directory, Func<YamlNode, string> where, Action<string, YamlNode> given)
{
    /// <summary>Values in the recipe's own order of writing; a later one of the same key replaces the earlier.</summary>
    public Dictionary<RecipeKey, object?> Values { get; } = [];

    /// <summary>The key has a value other than null.</summary>
    public bool Gives(string name) => Values.GetValueOrDefault(RecipeKey.Find(name)!) is not null;

    /// <param name="name">Dotted name of a key or a section; empty for the whole recipe.</param>
    /// <param name="named">The node that holds the name, for the line of a complaint.</param>
    public void Bind(string name, YamlNode named, YamlNode node)
    {
        if (RecipeKey.Find(name) is { } key)
        {
            BindKey(key, named, node);
            return;
        }
        if (name != "" && !RecipeKey.Sections.Contains(name))
            throw new BadInputException(where(named), $"unknown key '{name}'", RecipeNames.Fix(name));
        // An empty section says nothing; `train --show-recipe` prints one for adapters that are not there.
        if (name != "" && RecipeValue.IsNull(node)) return;
        if (node is not YamlMappingNode mapping)
            throw name == ""
                ? new BadInputException(where(node), "a recipe wants keys and values", "write `key: value` lines")
                : new BadInputException(where(named), $"{name} wants keys and values", $"write {name}: {{ key: value }}");
        foreach (var (childKey, child) in mapping)
        {
            var childName = (childKey as YamlScalarNode)?.Value ?? childKey.ToString();
            Bind(name == "" ? childName : $"{name}.{childName}", childKey, child);
        }
        // `lora: {}` asks for the section with its defaults: one key is enough to make it be there.
        if (name == "lora" && mapping.Children.Count == 0)
            BindKey(RecipeKey.Find("lora.rank")!, named, new YamlScalarNode(RecipeValue.Write(new LoraRecipe().Rank)));
    }

    private void BindKey(RecipeKey key, YamlNode named, YamlNode node)
    {
        var (value, fault) = RecipeValue.Read(key, node);
        if (fault is not null) throw new BadInputException($"{where(named)}: {key.Name}", fault, "correct the value, or leave the key out for its default");
        Values[key] = key.IsPath ? Resolve(value) : value;
        given(key.Name, named);
    }

    private object? Resolve(object? value) => value switch
    {
        string path => Full(path),
        IReadOnlyList<DataSourceRecipe> sources => sources.Select(source => source with { Files = [.. source.Files.Select(Full)] }).ToList(),
        IReadOnlyDictionary<string, string> files => files.ToDictionary(file => file.Key, file => Full(file.Value)),
        _ => value,
    };

    // A name on a hub is no path; what it stands for is found where it is used.
    private string Full(string path) => HubUri.Is(path) ? path : Path.GetFullPath(FilePatterns.Home(path), directory);
}
