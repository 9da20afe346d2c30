using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tulu2.Training.Recipes;

/// <summary>The recipe's keys as a page for people and as a JSON schema for editors, read off the records that the reader fills.</summary>
public static class RecipeReference
{
    // With every section there, so that the defaults of one that is off by itself can be told.
    private static readonly Recipe Defaults = new() { Lora = new LoraRecipe() };

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Markdown: a table a section, with the names that users of other trainers know.</summary>
    public static string Markdown()
    {
        var text = new StringBuilder("""
            # The recipe's keys

            Written by `tulu2 recipe keys` from what the reader itself uses; a test holds this page to it. Any key can stand in the YAML file or behind the
            command, as `key=value`. A key left out has its default. `recipes/recipe.schema.json` has the same for editors: begin a recipe with
            `# yaml-language-server: $schema=recipe.schema.json`. What profiles, layouts and the hash of a run are, is in `recipes/README.md`.

            "Elsewhere" is what TRL (with the arguments of transformers), torchtune and LLaMA-Factory call it; LLaMA-Factory takes TRL's name where it is not named.

            """.ReplaceLineEndings("\n"));
        foreach (var section in RecipeKey.All.GroupBy(key => key.Section).OrderBy(section => section.Key != ""))
        {
            text.Append(section.Key == "" ? "\n## Of the recipe as a whole\n\n" : $"\n## {section.Key}\n\n");
            text.Append("| key | type | default | meaning | elsewhere |\n|---|---|---|---|---|\n");
            foreach (var key in section)
                text.Append($"| `{key.Name}` | {RecipeValue.Describe(key.Type)}{(key.IsNullable ? ", or null" : "")} | `{RecipeValue.Write(key.Read(Defaults))}` | {key.Meaning} | {Elsewhere(key.KnownAs)} |\n");
        }
        return text.ToString();
    }

    /// <summary>JSON schema (draft 7, which YAML editors understand).</summary>
    public static string Schema()
    {
        var root = Section();
        root["$schema"] = "http://json-schema.org/draft-07/schema#";
        root["title"] = "Tulu2Actors recipe";
        foreach (var key in RecipeKey.All)
        {
            var owner = root;
            if (key.Section != "")
            {
                var sections = owner["properties"]!.AsObject();
                // A section written without keys is empty, and nothing else.
                if (sections[key.Section] is null) sections[key.Section] = Section(orNull: true);
                owner = sections[key.Section]!.AsObject();
            }
            owner["properties"]![key.Name[(key.Name.LastIndexOf('.') + 1)..]] = Schema(key);
        }
        return root.ToJsonString(Indented) + "\n";
    }

    private static JsonObject Section(bool orNull = false) => new()
    {
        ["type"] = orNull ? new JsonArray("object", "null") : "object",
        ["additionalProperties"] = false,
        ["properties"] = new JsonObject(),
    };

    private static JsonObject Schema(RecipeKey key)
    {
        var schema = new JsonObject { ["description"] = key.Meaning };
        if (key.Type.IsEnum) schema["enum"] = new JsonArray([.. RecipeValue.Choices(key.Type).Select(choice => JsonValue.Create(choice))]);
        else
        {
            var types = Types(key.Type).Concat(key.IsNullable ? ["null"] : []).Select(name => (JsonNode)JsonValue.Create(name)).ToArray();
            schema["type"] = types is [var only] ? only : new JsonArray(types);
            if (key.Type == typeof(IReadOnlyList<DataSourceRecipe>)) schema["items"] = DataSourceValue.Schema();
            if (key.Type == typeof(IReadOnlyDictionary<string, string>)) schema["additionalProperties"] = new JsonObject { ["type"] = "string" };
        }
        schema["default"] = key.Read(Defaults) switch
        {
            null => null,
            Enum choice => RecipeValue.Name(choice),
            var value => JsonSerializer.SerializeToNode(value),
        };
        return schema;
    }

    private static string[] Types(Type type) =>
        type == typeof(IReadOnlyDictionary<string, string>) ? ["object"] : type == typeof(bool) ? ["boolean"] : type == typeof(int) ? ["integer"] : type == typeof(double) ? ["number"] : type == typeof(string) ? ["string"] : ["array", "string"];

    private static string Elsewhere(KnownAsAttribute? known) => known is null ? "" : string.Join("; ", new[]
    {
        ("TRL", known.Trl), ("torchtune", known.Torchtune), ("LLaMA-Factory", known.LlamaFactory),
    }.Where(other => other.Item2 != "").Select(other => $"{other.Item1} {string.Join(", ", other.Item2.Split(", ").Select(name => $"`{name}`"))}"));
}
