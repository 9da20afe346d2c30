using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Data.Tokenizers.Loading;

namespace Tulu2.Data.Tokenizers.Learning;

/// <summary>Writes a vocabulary as Hugging Face's files, in the form to which <c>transformers</c> converts a Llama <c>tokenizer.model</c>.</summary>
internal static class HuggingFaceTokenizerWriter
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static byte[] Tokenizer(IReadOnlyList<ScoredPiece> pieces)
    {
        var vocabulary = new JsonObject();
        for (var id = 0; id < pieces.Count; id++) vocabulary[pieces[id].Text] = id;
        return Serialize(new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([.. SpecialIds(pieces).Select(id => AddedToken(pieces[id].Text, id))]),
            ["normalizer"] = null,
            // The word boundary is added at the start only, as in training; normalizers would add one after each end token too.
            ["pre_tokenizer"] = Metaspace("first", split: false),
            ["post_processor"] = PostProcessor(),
            ["decoder"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["decoders"] = new JsonArray(
                    new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = "▁" }, ["content"] = " " },
                    new JsonObject { ["type"] = "ByteFallback" },
                    new JsonObject { ["type"] = "Fuse" },
                    new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 }),
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = "<unk>",
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = true,
                ["byte_fallback"] = true,
                ["ignore_merges"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = Merges(pieces),
            },
        });
    }

    internal static byte[] Configuration(IReadOnlyList<ScoredPiece> pieces)
    {
        var added = new JsonObject();
        foreach (var id in SpecialIds(pieces)) added[id.ToString(System.Globalization.CultureInfo.InvariantCulture)] = AddedToken(pieces[id].Text, id: null);
        return Serialize(new JsonObject
        {
            ["add_bos_token"] = true,
            ["add_eos_token"] = false,
            ["added_tokens_decoder"] = added,
            ["bos_token"] = "<s>",
            ["clean_up_tokenization_spaces"] = false,
            ["eos_token"] = "</s>",
            // As in the Metaspace above.
            ["legacy"] = false,
            ["model_max_length"] = JsonNode.Parse("1000000000000000019884624838656"),
            ["pad_token"] = null,
            ["sp_model_kwargs"] = new JsonObject(),
            ["tokenizer_class"] = "LlamaTokenizer",
            ["unk_token"] = "<unk>",
            ["use_default_system_prompt"] = false,
        });
    }

    internal static byte[] SpecialTokens(IReadOnlyList<ScoredPiece> pieces)
    {
        var map = new JsonObject();
        foreach (var (key, text) in ((string, string)[])[("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>")])
            map[key] = AddedToken(text, id: null, withSpecial: false);
        return Serialize(map);
    }

    /// <summary>The pre-tokenizer that writes spaces as U+2581 and adds the word boundary.</summary>
    /// <param name="scheme">first: at the very start; always: after each special token too.</param>
    /// <param name="split">No merge crosses a boundary.</param>
    internal static JsonObject Metaspace(string scheme, bool split) =>
        new() { ["type"] = "Metaspace", ["replacement"] = "▁", ["prepend_scheme"] = scheme, ["split"] = split };

    /// <summary>
    /// Every way to split a piece into two others, in the order of <c>transformers</c>' SentencePieceExtractor: by the piece's rank, then by the halves'
    /// ids.
    /// </summary>
    private static JsonArray Merges(IReadOnlyList<ScoredPiece> pieces)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < pieces.Count; id++)
            if (pieces[id].Type == SentencePieceType.Normal)
                ids[pieces[id].Text] = id;
        var merges = new JsonArray();
        foreach (var piece in pieces.Where(piece => piece.Type == SentencePieceType.Normal).OrderByDescending(piece => piece.Score))
        {
            var cuts = new List<(int Left, int Right)>();
            for (var cut = 1; cut < piece.Text.Length; cut++)
                if (ids.TryGetValue(piece.Text[..cut], out var left) && ids.TryGetValue(piece.Text[cut..], out var right))
                    cuts.Add((left, right));
            foreach (var (left, right) in cuts.Order()) merges.Add($"{pieces[left].Text} {pieces[right].Text}");
        }
        return merges;
    }

    private static IEnumerable<int> SpecialIds(IReadOnlyList<ScoredPiece> pieces) =>
        Enumerable.Range(0, pieces.Count).Where(id => pieces[id].Type is SentencePieceType.Unknown or SentencePieceType.Control);

    private static JsonObject AddedToken(string content, int? id, bool withSpecial = true)
    {
        var token = new JsonObject();
        if (id is not null) token["id"] = id;
        token["content"] = content;
        foreach (var flag in (string[])["lstrip", "normalized", "rstrip", "single_word"]) token[flag] = false;
        if (withSpecial) token["special"] = true;
        return token;
    }

    private static JsonObject PostProcessor()
    {
        static JsonObject Special(int type) => new() { ["SpecialToken"] = new JsonObject { ["id"] = "<s>", ["type_id"] = type } };
        static JsonObject Sequence(string name, int type) => new() { ["Sequence"] = new JsonObject { ["id"] = name, ["type_id"] = type } };
        return new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = new JsonArray(Special(0), Sequence("A", 0)),
            ["pair"] = new JsonArray(Special(0), Sequence("A", 0), Special(1), Sequence("B", 1)),
            ["special_tokens"] = new JsonObject
            {
                ["<s>"] = new JsonObject { ["id"] = "<s>", ["ids"] = new JsonArray(1), ["tokens"] = new JsonArray("<s>") },
            },
        };
    }

    internal static byte[] Serialize(JsonObject content) => JsonSerializer.SerializeToUtf8Bytes(content, Format);
}
