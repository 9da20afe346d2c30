using System.Text.Json;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Files;

namespace Tulu2.Data.Tokenizers.Loading;

/// <summary>Reads Hugging Face's <c>tokenizer.json</c> of model type BPE with spaces as in SentencePiece. A merge's rank is its index in the list.</summary>
internal static class HuggingFaceTokenizerFile
{
    internal static TokenizerModel Read(string path, byte[] bytes, SpecialTokenFiles names)
    {
        using var document = JsonFile.Parse(path, bytes);
        var builder = new VocabularyBuilder(path);
        try
        {
            return Read(document.RootElement, builder, names, path);
        }
        catch (Exception failure) when (failure is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw builder.Broken("is not a tokenizer.json: a part of it is missing or of another kind", failure);
        }
    }

    private static TokenizerModel Read(JsonElement root, VocabularyBuilder builder, SpecialTokenFiles names, string path)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("model", out var model))
            throw builder.Broken("is not a tokenizer.json: it has no model");
        if (Text(model, "type") is { } type && type != "BPE") throw builder.Unsupported($"its model is {type}, not BPE");
        foreach (var affix in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            if (Text(model, affix) is { Length: > 0 }) throw builder.Unsupported($"its model has a {affix}");
        var normalization = NormalizationReader.Read(root, builder);

        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var byteFallback = Flag(model, "byte_fallback");
        foreach (var entry in model.GetProperty("vocab").EnumerateObject())
        {
            var id = entry.Value.GetInt32();
            ids[entry.Name] = id;
            builder.Put(id, entry.Name, byteFallback && VocabularyBuilder.IsBytePiece(entry.Name) ? PieceKind.Byte : PieceKind.Text);
        }
        // Merges use the model's own vocabulary; added tokens are cut out of the text before.
        var merges = ReadMerges(model.GetProperty("merges"), ids, builder);
        if (root.TryGetProperty("added_tokens", out var added) && added.ValueKind == JsonValueKind.Array)
            foreach (var entry in added.EnumerateArray())
            {
                var token = SpecialTokenFiles.Token(path, entry.GetProperty("id").GetInt32(), entry);
                ids[token.Content] = token.Id;
                builder.Add(token, token.Normalized ? normalization.Apply(token.Content, boundary: true) : token.Content);
            }

        int Find(params string?[] candidates)
        {
            foreach (var name in candidates)
                if (name is not null && ids.TryGetValue(name, out var id)) return id;
            return -1;
        }
        return builder.Build(
            merges, normalization, Flag(model, "fuse_unk"), Flag(model, "ignore_merges"),
            Find(names.Beginning ?? "<s>"), Find(names.End ?? "</s>"), Find(Text(model, "unk_token"), names.Unknown ?? "<unk>"),
            names.Pad is null ? null : Find(names.Pad));
    }

    internal static Dictionary<ulong, Merge> ReadMerges(JsonElement list, Dictionary<string, int> ids, VocabularyBuilder builder)
    {
        var merges = new Dictionary<ulong, Merge>(list.GetArrayLength());
        var rank = 0;
        foreach (var entry in list.EnumerateArray())
        {
            string left, right;
            if (entry.ValueKind == JsonValueKind.Array && entry.GetArrayLength() == 2) (left, right) = (entry[0].GetString()!, entry[1].GetString()!);
            else if (entry.ValueKind == JsonValueKind.String && entry.GetString()!.Split(' ') is [var first, var second]) (left, right) = (first, second);
            else throw builder.Broken($"merge {rank} is not a pair: {entry.GetRawText()}");
            if (!ids.TryGetValue(left, out var leftId) || !ids.TryGetValue(right, out var rightId) || !ids.TryGetValue(left + right, out var whole))
                throw builder.Broken($"merge {rank} ({left} {right}) names a piece that is not in the vocabulary");
            merges[TokenizerModel.Key(leftId, rightId)] = new Merge(rank++, whole);
        }
        return merges;
    }

    internal static string? Text(JsonElement element, string key) =>
        element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    internal static bool Flag(JsonElement element, string key) => element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.True;
}
