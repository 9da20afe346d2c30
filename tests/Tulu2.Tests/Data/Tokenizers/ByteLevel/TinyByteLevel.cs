using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Data.Tokenizers.ByteLevel;

namespace Tulu2.Tests.Data.Tokenizers.ByteLevel;

/// <summary>A byte-level tokenizer of 300 pieces, in RoBERTa's form: special tokens 0 to 3, the 256 bytes from 4 on, 39 merges from 260 on, the mask
/// last.</summary>
internal static class TinyByteLevel
{
    public const int Size = 300, Mask = 299;

    private static readonly string[] Merges =
    [
        "Ġ t", "Ġ a", "h e", "i n", "r e", "o n", "Ġt he", "e r", "Ġ s", "a t", "Ġ w", "Ġ o", "e n", "Ġ c", "i t", "i s", "a n", "o r", "e s", "Ġ b", "l l",
        "Ġ f", "in g", "Ġ p",
        "Ġa n", "Ġan d", "' s", "' t", "1 2", "12 3", "Ġ 1", "Ġ Ġ", "Ċ Ċ", "a a", "aa aa", "Ã ©", "ð Ł", "! !", "Ġ '",
    ];

    /// <summary>In order of their ids.</summary>
    public static IReadOnlyList<string> Pieces { get; } =
    [
        "<s>", "<pad>", "</s>", "<unk>",
        .. Enumerable.Range(0, 256).Select(value => $"{ByteCharacters.Of((byte)value)}"),
        .. Merges.Select(pair => pair.Replace(" ", "", StringComparison.Ordinal)), "<mask>",
    ];

    /// <summary>vocab.json and merges.txt.</summary>
    public static void WritePair(string directory)
    {
        File.WriteAllText(Path.Combine(directory, "vocab.json"), Vocabulary().ToJsonString());
        File.WriteAllText(Path.Combine(directory, "merges.txt"), "#version: 0.2\n" + string.Join('\n', Merges) + "\n");
    }

    /// <summary>tokenizer.json, as transformers writes RoBERTa's.</summary>
    public static void WriteJson(string directory, bool addsSpace = false, bool mergesAsPairs = false)
    {
        var step = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = addsSpace, ["trim_offsets"] = true, ["use_regex"] = true };
        var json = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([.. ((string[])["<s>", "<pad>", "</s>", "<unk>", "<mask>"]).Select(Added)]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = step,
            ["post_processor"] = null,
            ["decoder"] = step.DeepClone(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = "",
                ["end_of_word_suffix"] = "",
                ["fuse_unk"] = false,
                ["vocab"] = Vocabulary(),
                ["merges"] = new JsonArray([.. Merges.Select(pair =>
                    mergesAsPairs ? new JsonArray([.. pair.Split(' ').Select(part => (JsonNode)part)]) : (JsonNode)pair)]),
            },
        };
        File.WriteAllText(Path.Combine(directory, "tokenizer.json"), json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    private static JsonObject Vocabulary() => new(Pieces.Select((piece, id) => KeyValuePair.Create(piece, (JsonNode?)id)));

    private static JsonNode Added(string name) => new JsonObject
    {
        ["id"] = Pieces.ToList().IndexOf(name),
        ["content"] = name,
        ["single_word"] = false,
        ["lstrip"] = name == "<mask>",
        ["rstrip"] = false,
        ["normalized"] = false,
        ["special"] = true,
    };
}
