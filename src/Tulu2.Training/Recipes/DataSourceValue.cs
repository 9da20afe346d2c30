using System.Globalization;
using System.Text.Json.Nodes;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Training.Recipes;

/// <summary>The sources of <c>data.train</c> between YAML and .NET.</summary>
internal static class DataSourceValue
{
    public const string Description = "a list of files, or of sources { files, name, weight, sample, limit, format, columns, learn }";

    private static readonly string[] Keys = ["files", "name", "weight", "sample", "limit", "format", "columns", "learn"];

    /// <summary>Reads a list of entries; a lone one stands for a list of one.</summary>
    /// <returns>The sources, or what is wrong and how to correct it.</returns>
    public static (object? Value, string? Fault) ReadList(YamlNode node)
    {
        IEnumerable<YamlNode> items = node is YamlSequenceNode sequence ? sequence.Children : [node];
        var sources = new List<DataSourceRecipe>();
        foreach (var item in items)
        {
            var (source, fault) = Read(item);
            if (source is null) return (null, items.Skip(1).Any() ? $"entry {sources.Count + 1} {fault}" : fault);
            sources.Add(source);
        }
        return (sources, null);
    }

    public static string Write(DataSourceRecipe source)
    {
        if (source.IsPlain) return RecipeValue.Write(source.Files[0]);
        var parts = new List<string> { $"files: {RecipeValue.Write(source.Files)}" };
        void Add(string key, object? value)
        {
            if (value is not null) parts.Add($"{key}: {RecipeValue.Write(value)}");
        }
        Add("name", source.Name);
        Add("weight", source.Weight);
        Add("sample", source.Sample);
        Add("limit", source.Limit);
        Add("format", source.Format);
        Add("columns", source.Columns);
        Add("learn", source.Learn);
        return $"{{ {string.Join(", ", parts)} }}";
    }

    /// <summary>JSON schema of an entry.</summary>
    public static JsonObject Schema()
    {
        static JsonObject Of(string type) => new() { ["type"] = type };
        static JsonObject Count() => new() { ["type"] = "integer", ["minimum"] = 1 };
        return new JsonObject
        {
            ["anyOf"] = new JsonArray(Of("string"), new JsonObject
            {
                ["type"] = "object",
                ["additionalProperties"] = false,
                ["required"] = new JsonArray("files"),
                ["properties"] = new JsonObject
                {
                    ["files"] = new JsonObject { ["type"] = new JsonArray("array", "string"), ["items"] = Of("string") },
                    ["name"] = Of("string"),
                    ["weight"] = new JsonObject { ["type"] = "number", ["exclusiveMinimum"] = 0 },
                    ["sample"] = Count(),
                    ["limit"] = Count(),
                    ["format"] = new JsonObject { ["enum"] = new JsonArray([.. RowFormats.Names.Select(name => JsonValue.Create(name))]) },
                    ["columns"] = new JsonObject { ["type"] = "object", ["additionalProperties"] = Of("string") },
                    ["learn"] = new JsonObject { ["enum"] = new JsonArray([.. RecipeValue.Choices(typeof(LearntTurns)).Select(choice => JsonValue.Create(choice))]) },
                },
            }),
        };
    }

    private static (DataSourceRecipe? Source, string? Fault) Read(YamlNode node)
    {
        if (node is YamlScalarNode { Value: { } file } && !RecipeValue.IsNull(node)) return (file, null);
        if (node is not YamlMappingNode mapping) return (null, $"wants {Description}");
        var source = new DataSourceRecipe { Files = [] };
        foreach (var (nameNode, value) in mapping)
        {
            var name = (nameNode as YamlScalarNode)?.Value ?? "";
            if (RecipeValue.IsNull(value) && Keys.Contains(name)) continue;
            var (next, fault) = With(source, name, value);
            if (next is null) return (null, fault);
            source = next;
        }
        if (source.Files.Count == 0) return (null, "has no files: write { files: [rows.jsonl], ... }");
        return source is { Weight: not null, Sample: not null } ? (null, "has both weight and sample: keep one of them") : (source, null);
    }

    private static (DataSourceRecipe? Source, string? Fault) With(DataSourceRecipe source, string name, YamlNode value)
    {
        var text = (value as YamlScalarNode)?.Value;
        switch (name)
        {
            case "files":
                var (files, fault) = RecipeValue.ReadList(value);
                return files is null ? (null, $"files {fault}") : (source with { Files = (IReadOnlyList<string>)files }, null);
            case "columns":
                var (columns, columnsFault) = RecipeValue.ReadMap(value);
                return columns is null ? (null, $"columns {columnsFault}") : (source with { Columns = (IReadOnlyDictionary<string, string>)columns }, null);
            case "name" when text is not null:
                return (source with { Name = text }, null);
            case "format" when text is not null:
                return (source with { Format = text }, null);
            case "weight":
                return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && weight > 0 && double.IsFinite(weight)
                    ? (source with { Weight = weight }, null) : (null, $"weight wants a number above 0, not '{text}'");
            case "sample" or "limit":
                if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count < 1) return (null, $"{name} wants a whole number from 1 on, not '{text}'");
                return (name == "sample" ? source with { Sample = count } : source with { Limit = count }, null);
            case "learn":
                return Enum.GetValues<LearntTurns>().Cast<Enum>().FirstOrDefault(choice => RecipeValue.Name(choice) == text) is LearntTurns learn
                    ? (source with { Learn = learn }, null) : (null, $"learn wants {RecipeValue.Describe(typeof(LearntTurns))}, not '{text}'");
            default:
                return (null, Keys.Contains(name) ? $"{name} wants a text"
                    : $"has the unknown key '{name}' ({(NearestName.Of(name, Keys) is { } near ? $"did you mean '{near}'?" : $"known: {string.Join(", ", Keys)}")})");
        }
    }
}
