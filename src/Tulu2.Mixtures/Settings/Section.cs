using System.Globalization;
using Tulu2.Files;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Mixtures.Settings;

/// <summary>
/// Keys and values of one part of a mixture's file. Each key is read as the type that its reader wants; what is wrong is an error with its line, and a key that
/// nobody read is refused (<see cref="RefuseUnread"/>).
/// </summary>
/// <param name="node">The part; null: it is not in the file, and every key has its default.</param>
/// <param name="path">Dotted name of the part, as in <c>sources.cot</c>; empty for the whole file.</param>
internal sealed class Section(YamlMappingNode? node, string path, Places places)
{
    private const string NameKey = "name";

    private readonly HashSet<string> _read = [];

    public Places Places => places;

    /// <summary>The keys that are there, in the file's order.</summary>
    public IEnumerable<string> Keys => node?.Children.Keys.Select(Name) ?? [];

    public bool Has(string key) => Find(key) is not null;

    public string? Text(string key) => Find(key) is not { } value ? null
        : value is YamlScalarNode { Value: { Length: > 0 } text } ? text : throw Wants(key, "a text", value);

    public string RequiredText(string key) => Text(key) ?? throw Missing(key, "a text");

    /// <exception cref="BadInputException">It is no whole number, or below <paramref name="least"/>.</exception>
    public int? Whole(string key, int least = 0)
    {
        if (Find(key) is not { } value) return null;
        if (value is not YamlScalarNode { Style: ScalarStyle.Plain, Value: { } text }
            || !int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            throw Wants(key, "a whole number", value);
        return number >= least ? number : throw Fault(key, $"{number} is below {least}", $"use {least} or more");
    }

    /// <exception cref="BadInputException">It is no number, or not in the range.</exception>
    public double? Number(string key, double least, double most = double.MaxValue)
    {
        if (Find(key) is not { } value) return null;
        if (value is not YamlScalarNode { Style: ScalarStyle.Plain, Value: { } text }
            || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
            throw Wants(key, "a number", value);
        if (number >= least && number <= most) return number;
        var range = most == double.MaxValue ? $"use {Shown(least)} or more" : $"use a number from {Shown(least)} to {Shown(most)}";
        throw Fault(key, $"{Shown(number)} is out of range", range);
    }

    /// <summary>One of the given words.</summary>
    public string Choice(string key, string otherwise, params IReadOnlyList<string> words)
    {
        if (Text(key) is not { } word) return otherwise;
        if (words.Contains(word)) return word;
        var all = $"use one of {string.Join(", ", words)}";
        throw Fault(key, $"there is no '{word}'", NearestName.Of(word, words) is { } near ? $"did you mean '{near}'? Otherwise {all}" : all);
    }

    /// <summary>A list of texts; a lone text is a list of one; empty where the key is not there.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        if (Find(key) is not { } value) return [];
        IEnumerable<YamlNode> items = value is YamlSequenceNode list ? list.Children : [value];
        var texts = items.Select(item => item is YamlScalarNode { Value: { Length: > 0 } text } ? text : null).ToList();
        return texts.Contains(null) ? throw Wants(key, "a list of texts", value) : [.. texts.Select(text => text!)];
    }

    /// <summary>The parts of a list of parts; each is known by its <c>name</c>, or by its place from 0 where it has none.</summary>
    public IReadOnlyList<Section> Sections(string key)
    {
        if (Find(key) is not { } value) return [];
        if (value is not YamlSequenceNode list) throw Wants(key, "a list", value);
        return [.. list.Children.Select((item, at) => Item(item, NameOf(item) is { } name ? $"{Dotted(key)}.{name}" : $"{Dotted(key)}[{at}]"))];
    }

    /// <summary>A part of keys and values; one without keys where it is not there.</summary>
    public Section Part(string key) => Find(key) switch
    {
        null => new Section(null, Dotted(key), places),
        YamlMappingNode mapping => new Section(mapping, Dotted(key), places),
        var value => throw Wants(key, "keys and values", value),
    };

    /// <summary>The value comes from an argument of the command line, not from the file.</summary>
    public bool IsArgument(string key) => Find(key) is { } value && places.IsGiven(value);

    /// <summary>The value is a list, or keys and values, and not one word or number.</summary>
    public bool IsList(string key) => Find(key) is YamlSequenceNode;

    public bool IsPart(string key) => Find(key) is YamlMappingNode;

    /// <summary>A list of whole numbers.</summary>
    public IReadOnlyList<int> Wholes(string key)
    {
        if (Find(key) is not YamlSequenceNode list) throw Wants(key, "a list of whole numbers", Find(key));
        return [.. list.Children.Select(item =>
            item is YamlScalarNode { Value: { } text } && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
                : throw Wants(key, "a list of whole numbers", list))];
    }

    public BadInputException Fault(string key, string what, string fix) => new($"{Place(key)}: {Dotted(key)}", what, fix);

    /// <exception cref="BadInputException">A key is there that nobody read.</exception>
    public void RefuseUnread()
    {
        if (Keys.FirstOrDefault(key => !_read.Contains(key)) is not { } unknown) return;
        throw Fault(unknown, "there is no such key here", NearestName.Of(unknown, _read) is { } near ? $"did you mean '{near}'?"
            : _read.Count == 0 ? "remove it: there are no keys here" : $"the keys here are {string.Join(", ", _read.Order(StringComparer.Ordinal))}");
    }

    private YamlNode? Find(string key)
    {
        _read.Add(key);
        var found = node?.Children.FirstOrDefault(pair => Name(pair.Key) == key).Value;
        return found is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "null" or "~" } ? null : found;
    }

    private string Place(string key)
    {
        if (node is null || path == "" && !Has(key)) return places.File;
        var pair = node.Children.FirstOrDefault(pair => Name(pair.Key) == key);
        return places.Of(pair.Value is { } value && places.IsGiven(value) ? value : pair.Key ?? node);
    }

    private static string? NameOf(YamlNode item) => item switch
    {
        YamlScalarNode word => word.Value,
        YamlMappingNode part => part.Children.TryGetValue(new YamlScalarNode(NameKey), out var name) ? (name as YamlScalarNode)?.Value : null,
        _ => null,
    };

    // A lone word is a part of which only the name is given.
    private Section Item(YamlNode item, string name) => item switch
    {
        YamlMappingNode part => new Section(part, name, places),
        YamlScalarNode { Value: { Length: > 0 } } word => new Section((YamlMappingNode)places.Replaced(Named(word), word), name, places),
        _ => throw new BadInputException($"{places.Of(item)}: {name}", "wants keys and values", "write { name: ..., key: value }"),
    };

    private BadInputException Wants(string key, string wanted, YamlNode? value) => Fault(key, $"wants {wanted}, not {Shown(value)}", "correct the value");

    private static string Shown(YamlNode? value) => value switch
    {
        YamlMappingNode => "keys and values",
        YamlSequenceNode => "a list",
        YamlScalarNode scalar => $"'{scalar.Value}'",
        _ => "nothing",
    };

    private BadInputException Missing(string key, string wanted) =>
        new($"{(node is null ? places.File : places.Of(node))}: {Dotted(key)}", $"is missing: {wanted}", $"write `{key}: ...`");

    private string Dotted(string key) => path == "" ? key : $"{path}.{key}";

    private static YamlMappingNode Named(YamlScalarNode word) => new(new YamlScalarNode(NameKey), new YamlScalarNode(word.Value));

    private static string Name(YamlNode key) => (key as YamlScalarNode)?.Value ?? key.ToString();

    private static string Shown(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
