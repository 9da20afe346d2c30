using System.Text.Json.Nodes;
using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Data.Tokenizers.Loading;
using Tulu2.Files;

namespace Tulu2.Data.Export;

/// <summary>The small files beside a tokenizer; keys of other things are kept.</summary>
internal static class TokenizerConfigForm
{
    internal static byte[] Configuration(byte[]? source, SentencePieceBpeTokenizer tokenizer, ChatForm form, int positions)
    {
        var json = Parse(SpecialTokenFiles.ConfigName, source);
        json["chat_template"] = ChatTemplate.Jinja;
        json["add_bos_token"] = true;
        json["add_eos_token"] = false;
        json["legacy"] = form == ChatForm.Legacy;
        // True makes transformers ignore tokenizer.json; false makes it omit the boundary that training has at the start.
        if (tokenizer.Model.Normalization.Boundary != BoundaryRule.None) json.Remove("add_prefix_space");
        // It would add a turn that no training row had.
        json["use_default_system_prompt"] = false;
        json.TryAdd("tokenizer_class", "LlamaTokenizer");
        json.TryAdd("clean_up_tokenization_spaces", false);
        if (json["model_max_length"] is JsonValue longest && longest.TryGetValue<int>(out var limit) && limit < positions) json["model_max_length"] = positions;
        Name(json, tokenizer);
        return HuggingFaceTokenizerWriter.Serialize(json);
    }

    internal static byte[] SpecialTokens(byte[]? source, SentencePieceBpeTokenizer tokenizer)
    {
        var json = Parse(SpecialTokenFiles.MapName, source);
        Name(json, tokenizer);
        return HuggingFaceTokenizerWriter.Serialize(json);
    }

    private static void Name(JsonObject json, SentencePieceBpeTokenizer tokenizer)
    {
        (string Key, int Id)[] named = [("bos_token", tokenizer.BeginningId), ("eos_token", tokenizer.EndId), ("unk_token", tokenizer.UnknownId)];
        foreach (var (key, id) in named)
        {
            if (id < 0) continue;
            var said = json[key] is JsonObject token ? token["content"] : json[key];
            if (said?.ToString() != tokenizer.PieceOf(id)) json[key] = tokenizer.PieceOf(id);
        }
    }

    private static JsonObject Parse(string name, byte[]? source)
    {
        if (source is null) return [];
        using var document = JsonFile.Parse(name, source);
        return JsonObject.Create(document.RootElement.Clone())!;
    }
}
