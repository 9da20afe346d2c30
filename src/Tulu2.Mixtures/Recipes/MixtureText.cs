using System.Text;
using Tulu2.Files;
using Tulu2.Mixtures.Settings;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Mixtures.Recipes;

/// <summary>
/// A mixture's YAML with <c>key=value</c> arguments over it: <c>seed=7</c>, <c>sources.cot.weight=0.5</c>, <c>sources.lima=null</c> to leave one out.
/// </summary>
internal static class MixtureText
{
    private const string Sources = "sources", NameKey = "name";

    /// <exception cref="BadInputException">It is not YAML, or not keys and values, or an argument names no place in it.</exception>
    public static YamlMappingNode Read(string file, string text, IReadOnlyList<string> arguments, Places places)
    {
        if (Parse(file, text) is not YamlMappingNode root)
            throw new BadInputException(file, "is not a mixture: keys and values are wanted", "write `sources: [...]`");
        foreach (var argument in arguments) Apply(root, argument, places);
        return root;
    }

    /// <summary>The same text for the same content, however it is laid out in the file.</summary>
    public static string Canonical(YamlNode node) => Append(new StringBuilder(), node).ToString();

    /// <summary>The mapping without one of its keys.</summary>
    public static YamlMappingNode Without(YamlMappingNode root, string key) => new(root.Children.Where(pair => (pair.Key as YamlScalarNode)?.Value != key));

    private static YamlNode? Parse(string place, string text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException error)
        {
            throw new BadInputException($"{place}:{error.Start.Line}", $"is not YAML from column {error.Start.Column} on",
                "correct the line or the one before it: close what is open, let a key stand only once, and indent with spaces, not tabs", error);
        }
        return stream.Documents.Count == 0 ? null : stream.Documents[0].RootNode;
    }

    private static void Apply(YamlMappingNode root, string argument, Places places)
    {
        var equals = argument.IndexOf('=');
        if (equals <= 0) throw new BadInputException(argument, "is not of the form key=value", "write, say, sources.cot.weight=0.5");
        var value = Parse(argument, argument[(equals + 1)..]) ?? new YamlScalarNode("null");
        var names = argument[..equals].Split('.');
        var owner = root;
        if (names is [Sources, var wanted, ..])
        {
            var (list, source) = Source(root, wanted, argument);
            if (names.Length == 2)
            {
                LeaveOut(list, source, value, wanted, argument);
                places.LeftOut.Add(wanted);
                return;
            }
            (owner, names) = (source, names[2..]);
        }
        foreach (var name in names[..^1]) owner = Inner(owner, name, argument);
        places.Given(value, argument);
        owner.Children[new YamlScalarNode(names[^1])] = value;
    }

    private static (YamlSequenceNode List, YamlMappingNode Source) Source(YamlMappingNode root, string wanted, string argument)
    {
        if (Child(root, Sources) is not YamlSequenceNode list)
            throw new BadInputException(argument, "the mixture has no sources", "name a mixture with sources");
        foreach (var source in list.Children.OfType<YamlMappingNode>())
            if (NameOf(source) == wanted) return (list, source);
        var names = string.Join(", ", list.Children.OfType<YamlMappingNode>().Select(NameOf));
        throw new BadInputException(argument, $"the mixture has no source '{wanted}'", $"use one of {names}");
    }

    private static void LeaveOut(YamlSequenceNode list, YamlMappingNode source, YamlNode value, string name, string argument)
    {
        if (value is not YamlScalarNode { Value: "null" or "~" or "" })
            throw new BadInputException(argument, "a source is more than one value",
                $"change a key of it ({Sources}.{name}.weight=0.5), or leave it out: {Sources}.{name}=null");
        list.Children.Remove(source);
    }

    private static YamlMappingNode Inner(YamlMappingNode owner, string name, string argument)
    {
        if (Child(owner, name) is YamlMappingNode inner) return inner;
        if (Child(owner, name) is not null) throw new BadInputException(argument, $"{name} has no keys in it", "give its whole value");
        inner = new YamlMappingNode();
        owner.Add(name, inner);
        return inner;
    }

    private static string? NameOf(YamlMappingNode source) => (Child(source, NameKey) as YamlScalarNode)?.Value;

    private static YamlNode? Child(YamlMappingNode owner, string name) => owner.Children.TryGetValue(new YamlScalarNode(name), out var child) ? child : null;

    private static StringBuilder Append(StringBuilder text, YamlNode node)
    {
        switch (node)
        {
            case YamlMappingNode mapping:
                text.Append('{');
                foreach (var (key, value) in mapping.Children.OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal))
                    Append(Append(text, key).Append(':'), value).Append(',');
                return text.Append('}');
            case YamlSequenceNode list:
                text.Append('[');
                foreach (var item in list.Children) Append(text, item).Append(',');
                return text.Append(']');
            default:
                var word = (node as YamlScalarNode)?.Value ?? "";
                return text.Append(word.Length).Append('"').Append(word);
        }
    }
}
