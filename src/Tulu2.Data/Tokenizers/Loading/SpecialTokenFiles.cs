using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Data.Tokenizers.Loading;

/// <summary>A token that the files beside a tokenizer add to its vocabulary.</summary>
internal sealed record NamedToken(int Id, string Content, bool Special, bool Normalized, bool StripLeft, bool StripRight);

/// <summary>The content of <c>tokenizer_config.json</c>, <c>special_tokens_map.json</c> and <c>added_tokens.json</c>, each of which may be absent.</summary>
internal sealed record SpecialTokenFiles(string? Beginning, string? End, string? Unknown, string? Pad, IReadOnlyList<NamedToken> Added)
{
    internal const string ConfigName = "tokenizer_config.json";
    internal const string MapName = "special_tokens_map.json";
    internal const string AddedName = "added_tokens.json";

    internal static readonly SpecialTokenFiles None = new(null, null, null, null, []);

    internal static SpecialTokenFiles Read(string directory)
    {
        using var config = Open(directory, ConfigName);
        using var map = Open(directory, MapName);
        using var added = Open(directory, AddedName);
        string? Name(string key) => NameIn(config, key) ?? NameIn(map, key);
        return new(Name("bos_token"), Name("eos_token"), Name("unk_token"), Name("pad_token"), AddedIn(Path.Combine(directory, ConfigName), config, added));
    }

    private static JsonDocument? Open(string directory, string name)
    {
        var path = Path.Combine(directory, name);
        return File.Exists(path) ? JsonFile.OpenObject(path) : null;
    }

    // A name is a string, or an object with the string in "content".
    private static string? NameIn(JsonDocument? document, string key)
    {
        if (document is null || !document.RootElement.TryGetProperty(key, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out var content)) value = content;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    private static List<NamedToken> AddedIn(string configPath, JsonDocument? config, JsonDocument? added)
    {
        var tokens = new SortedDictionary<int, NamedToken>();
        if (added is not null)
            foreach (var entry in added.RootElement.EnumerateObject())
                if (entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetInt32(out var id))
                    tokens[id] = new(id, entry.Name, Special: true, Normalized: false, StripLeft: false, StripRight: false);
        if (config is not null && config.RootElement.TryGetProperty("added_tokens_decoder", out var decoder) && decoder.ValueKind == JsonValueKind.Object)
            foreach (var entry in decoder.EnumerateObject())
                if (int.TryParse(entry.Name, out var id))
                    tokens[id] = Token(configPath, id, entry.Value);
        return [.. tokens.Values];
    }

    /// <summary>One entry of <c>added_tokens</c> or <c>added_tokens_decoder</c>.</summary>
    internal static NamedToken Token(string path, int id, JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object || !entry.TryGetProperty("content", out var content) || content.ValueKind != JsonValueKind.String)
            throw new BadInputException(path, $"the added token with id {id} has no content", "write the file again with the tool that made it");
        bool Flag(string name) => entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
        if (Flag("single_word"))
            throw new BadInputException(path, $"the added token with id {id} asks for single_word, which is not supported", "set single_word to false");
        return new(id, content.GetString()!, Flag("special"), Flag("normalized"), Flag("lstrip"), Flag("rstrip"));
    }
}
