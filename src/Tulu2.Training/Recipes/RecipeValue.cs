using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Training.Recipes;

/// <summary>Values of recipe keys between YAML and .NET. Strict: a number in quotes is text, and 'yes' is no truth value.</summary>
internal static partial class RecipeValue
{
    /// <summary>Reads a node as the type of <paramref name="key"/>.</summary>
    /// <returns>The value, or what is wrong with it and how to correct it.</returns>
    public static (object? Value, string? Fault) Read(RecipeKey key, YamlNode node)
    {
        if (IsNull(node)) return key.IsNullable ? (null, null) : (null, $"wants {Describe(key.Type)}, not an empty value");
        if (key.Type == typeof(IReadOnlyList<string>)) return ReadList(node);
        if (key.Type == typeof(IReadOnlyList<DataSourceRecipe>)) return DataSourceValue.ReadList(node);
        if (key.Type == typeof(IReadOnlyDictionary<string, string>)) return ReadMap(node);
        if (node is not YamlScalarNode { Value: { } text } scalar) return (null, $"wants {Describe(key.Type)}, not a {Kind(node)}");
        if (key.Type == typeof(string)) return (text, null);
        object? value = scalar.Style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted && !key.Type.IsEnum ? null : ParseScalar(key.Type, text);
        return value is null ? (null, $"wants {Describe(key.Type)}, not '{text}'") : (value, null);
    }

    /// <summary>The value as YAML flow text; <see cref="Read"/> gives it back exactly.</summary>
    public static string Write(object? value) => value switch
    {
        null => "null",
        bool truth => truth ? "true" : "false",
        int number => number.ToString(CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        Enum choice => Name(choice),
        // A JSON string is a double-quoted YAML scalar.
        string text => SafePlain().IsMatch(text) && !IsReserved(text) ? text : JsonSerializer.Serialize(text),
        IReadOnlyList<string> list => $"[{string.Join(", ", list.Select(Write))}]",
        IReadOnlyList<DataSourceRecipe> sources => $"[{string.Join(", ", sources.Select(DataSourceValue.Write))}]",
        IReadOnlyDictionary<string, string> map => $"{{{string.Join(", ", map.Select(pair => $"{Write(pair.Key)}: {Write(pair.Value)}"))}}}",
        _ => throw new NotSupportedException($"recipe values of type {value.GetType()}"),
    };

    /// <summary>What stands after <c>key=</c> on the command line. A key of text takes the rest as it is, so that a path needs no quotes.</summary>
    /// <exception cref="YamlException">Not YAML.</exception>
    public static YamlNode ParseFlag(RecipeKey? key, string text)
    {
        var trimmed = text.Trim();
        var verbatim = key is not null && trimmed is not ("null" or "~" or "") && trimmed[0] is not ('"' or '\'')
            && (key.Type == typeof(string) || (key.Type == typeof(IReadOnlyList<DataSourceRecipe>) && trimmed[0] is not ('[' or '{')));
        if (verbatim) return new YamlScalarNode(trimmed) { Style = ScalarStyle.DoubleQuoted };
        return Parse(text);
    }

    /// <summary>The node of a YAML text; null for an empty one.</summary>
    /// <exception cref="YamlException">Not YAML.</exception>
    public static YamlNode Parse(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return stream.Documents.Count == 0 ? new YamlScalarNode("null") : stream.Documents[0].RootNode;
    }

    public static string Name(Enum choice) =>
        choice.GetType().GetField(choice.ToString())?.GetCustomAttribute<SpelledAttribute>()?.Text ?? RecipeKey.SnakeCase(choice.ToString()).Replace('_', '-');

    public static IEnumerable<string> Choices(Type type) => Enum.GetValues(type).Cast<Enum>().Select(Name);

    public static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain or ScalarStyle.Any, Value: null or "" or "null" or "~" };

    /// <summary>Reads a map from texts to texts.</summary>
    public static (object? Value, string? Fault) ReadMap(YamlNode node)
    {
        var pairs = (node as YamlMappingNode)?.Children.Select(pair => ((pair.Key as YamlScalarNode)?.Value, (pair.Value as YamlScalarNode)?.Value)).ToList();
        if (pairs is null || pairs.Exists(pair => pair.Item1 is null || pair.Item2 is null)) return (null, "wants names for names, such as { prompt: question }");
        return (pairs.ToDictionary(pair => pair.Item1!, pair => pair.Item2!), null);
    }

    /// <summary>Reads a list of texts.</summary>
    public static (object? Value, string? Fault) ReadList(YamlNode node)
    {
        // A lone string stands for a list of one.
        IEnumerable<YamlNode> items = node is YamlSequenceNode sequence ? sequence.Children : [node];
        var texts = items.Select(item => item is YamlScalarNode { Value: { } text } && !IsNull(item) ? text : null).ToList();
        return texts.Contains(null) ? (null, "wants a list of texts, such as [rows.jsonl, more.jsonl.gz]") : (texts.Select(text => text!).ToList(), null);
    }

    private static object? ParseScalar(Type type, string text)
    {
        if (type == typeof(bool)) return text switch { "true" => true, "false" => false, _ => null };
        if (type == typeof(int)) return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : null;
        if (type == typeof(double))
            return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
        return Enum.GetValues(type).Cast<Enum>().FirstOrDefault(choice => Name(choice) == text);
    }

    /// <summary>What a key of this type takes, for people.</summary>
    public static string Describe(Type type)
    {
        if (type == typeof(bool)) return "true or false";
        if (type == typeof(int)) return "a whole number";
        if (type == typeof(double)) return "a number";
        if (type == typeof(string)) return "a text";
        if (type == typeof(IReadOnlyList<string>)) return "a list of texts";
        if (type == typeof(IReadOnlyList<DataSourceRecipe>)) return DataSourceValue.Description;
        if (type == typeof(IReadOnlyDictionary<string, string>)) return "names for names";
        return "one of " + string.Join(", ", Choices(type));
    }

    private static string Kind(YamlNode node) => node is YamlMappingNode ? "section" : node is YamlSequenceNode ? "list" : "value";

    private static bool IsReserved(string text) => text is "null" or "true" or "false";

    [GeneratedRegex(@"\A[A-Za-z_/.][A-Za-z0-9_/.\-]*\z")]
    private static partial Regex SafePlain();
}
