using System.Text.Json;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Data.Tokenizers.Loading;
using Tulu2.Files;

namespace Tulu2.Data.Tokenizers.ByteLevel;

/// <summary>
/// Reads a byte-level tokenizer from <c>tokenizer.json</c>, or from <c>vocab.json</c> and <c>merges.txt</c>, with the names of its special tokens from the
/// files beside
/// them.
/// </summary>
internal static class ByteLevelFiles
{
    private const string Json = "tokenizer.json";
    private const string Vocabulary = "vocab.json";
    private const string Merges = "merges.txt";
    private const string Fix = "give a tokenizer of the GPT-2 family (RoBERTa's, for instance)";

    // RoBERTa's names; GPT-2 has one token for all of them.
    private const string OnlySpecial = "<|endoftext|>";
    private const string Mask = "<mask>";

    /// <param name="AddsSpace">Whether a space is put before a text that does not begin with one.</param>
    internal sealed record Content(TokenizerModel Model, bool AddsSpace);

    /// <exception cref="BadInputException">There is no tokenizer, a file is broken, or it is a tokenizer of another kind.</exception>
    public static Content Read(string directory)
    {
        var names = SpecialTokenFiles.Read(directory);
        if (File.Exists(Path.Combine(directory, Json))) return OfJson(Path.Combine(directory, Json), names);
        if (File.Exists(Path.Combine(directory, Vocabulary)) && File.Exists(Path.Combine(directory, Merges)))
            return OfPair(Path.Combine(directory, Vocabulary), Path.Combine(directory, Merges), names);
        throw new BadInputException(directory, $"holds no tokenizer: neither {Json} nor {Vocabulary} with {Merges}", Fix);
    }

    private static Content OfJson(string path, SpecialTokenFiles names)
    {
        using var document = JsonFile.OpenObject(path);
        var root = document.RootElement;
        var builder = new VocabularyBuilder(path);
        try
        {
            var model = root.GetProperty("model");
            if (HuggingFaceTokenizerFile.Text(model, "type") is { } type && type != "BPE") throw Foreign(path, $"its model is {type}, not BPE");
            if (root.TryGetProperty("normalizer", out var normalizer) && normalizer.ValueKind != JsonValueKind.Null) throw Foreign(path, "it has a normalizer");
            var addsSpace = AddsSpace(path, root);
            var ids = Put(builder, model.GetProperty("vocab"));
            var merges = HuggingFaceTokenizerFile.ReadMerges(model.GetProperty("merges"), ids, builder);
            if (root.TryGetProperty("added_tokens", out var added) && added.ValueKind == JsonValueKind.Array)
                foreach (var entry in added.EnumerateArray())
                {
                    var token = SpecialTokenFiles.Token(path, entry.GetProperty("id").GetInt32(), entry);
                    ids[token.Content] = token.Id;
                    builder.Add(token, token.Content);
                }
            return new Content(Build(builder, ids, merges, names), addsSpace);
        }
        catch (Exception failure) when (failure is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw builder.Broken("is not a tokenizer.json: a part of it is missing or of another kind", failure);
        }
    }

    private static Content OfPair(string path, string mergesPath, SpecialTokenFiles names)
    {
        using var document = JsonFile.OpenObject(path);
        var builder = new VocabularyBuilder(path);
        Dictionary<string, int> ids;
        try
        {
            ids = Put(builder, document.RootElement);
        }
        catch (Exception failure) when (failure is InvalidOperationException or FormatException)
        {
            throw builder.Broken("is not a vocabulary: a piece has no id", failure);
        }
        var merges = new Dictionary<ulong, Merge>();
        var (rank, number) = (0, 0);
        foreach (var line in File.ReadLines(mergesPath))
        {
            number++;
            if (line.Length == 0 || (number == 1 && line.StartsWith("#version", StringComparison.Ordinal))) continue;
            if (line.Split(' ') is not [var left, var right] || !ids.TryGetValue(left, out var leftId) || !ids.TryGetValue(right, out var rightId)
                || !ids.TryGetValue(left + right, out var whole))
                throw new BadInputException($"{mergesPath}:{number}", $"'{line}' is not a pair of pieces of {Vocabulary}",
                    "copy both files again from the same model");
            merges[TokenizerModel.Key(leftId, rightId)] = new Merge(rank++, whole);
        }
        string?[] specials = [names.Beginning ?? "<s>", names.Pad ?? "<pad>", names.End ?? "</s>", names.Unknown ?? "<unk>", Mask, OnlySpecial];
        foreach (var name in specials.OfType<string>().Distinct())
            if (ids.TryGetValue(name, out var id))
                builder.Add(new NamedToken(id, name, Special: true, Normalized: false, StripLeft: name == Mask, StripRight: false), name);
        foreach (var token in names.Added)
        {
            ids[token.Content] = token.Id;
            builder.Add(token, token.Content);
        }
        return new Content(Build(builder, ids, merges, names), AddsSpace: false);
    }

    private static TokenizerModel Build(VocabularyBuilder builder, Dictionary<string, int> ids, Dictionary<ulong, Merge> merges, SpecialTokenFiles names)
    {
        int Find(string? given, string usual) =>
            ((string?[])[given, usual, OnlySpecial]).OfType<string>().Select(name => ids.GetValueOrDefault(name, -1)).FirstOrDefault(id => id >= 0, -1);
        return builder.Build(
            merges, new Normalization(BoundaryRule.None, ReplaceSpaces: false, SplitEachBoundary: false), fuseUnknown: false, ignoreMerges: false,
            Find(names.Beginning, "<s>"), Find(names.End, "</s>"), Find(names.Unknown, "<unk>"), Find(names.Pad, "<pad>"));
    }

    private static Dictionary<string, int> Put(VocabularyBuilder builder, JsonElement vocabulary)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in vocabulary.EnumerateObject())
        {
            ids[entry.Name] = entry.Value.GetInt32();
            builder.Put(ids[entry.Name], entry.Name, PieceKind.Text);
        }
        return ids;
    }

    private static bool AddsSpace(string path, JsonElement root)
    {
        if (!root.TryGetProperty("pre_tokenizer", out var step) || step.ValueKind != JsonValueKind.Object
            || HuggingFaceTokenizerFile.Text(step, "type") is not "ByteLevel")
            throw Foreign(path, "it is not a byte-level tokenizer (its pre_tokenizer is not ByteLevel)");
        if (step.TryGetProperty("use_regex", out var splits) && splits.ValueKind == JsonValueKind.False)
            throw Foreign(path, "it does not split texts into words");
        return HuggingFaceTokenizerFile.Flag(step, "add_prefix_space");
    }

    private static BadInputException Foreign(string path, string what) => new(path, what, Fix);
}
