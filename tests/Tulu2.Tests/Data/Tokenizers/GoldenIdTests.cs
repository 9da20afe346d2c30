using System.Text.Json;
using Tulu2.Data.Tokenizers.Bpe;
using Xunit;

namespace Tulu2.Tests.Data.Tokenizers;

public sealed class GoldenIdTests
{
    private const string Model = "tokenizer.model", Json = "tokenizer.json";

    [SkippableTheory]
    [InlineData(Model)]
    [InlineData(Json)]
    public void All_cases_of_the_llama_spm_golden_have_their_ids(string kind)
    {
        var tokenizer = Tokenizers.Llama(kind);
        ReferenceData.Require("llama_spm_golden");
        var inputs = File.ReadAllText(ReferenceData.Path("llama_spm_golden", "ggml-vocab-llama-spm.gguf.inp")).Split("\n__ggml_vocab_test__\n");
        var outputs = File.ReadAllText(ReferenceData.Path("llama_spm_golden", "ggml-vocab-llama-spm.gguf.out")).Split('\n');
        Assert.Equal((47, 47), (inputs.Length, outputs.Length));
        for (var i = 0; i < 47; i++)
        {
            var expected = outputs[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse);
            AssertIds(expected, tokenizer.EncodeText(inputs[i], boundary: true), inputs[i]);
            AssertIds(expected, tokenizer.EncodeToIds(inputs[i]), inputs[i]);
        }
    }

    [SkippableTheory]
    [InlineData(Model, "llama2")]
    [InlineData(Json, "llama2")]
    [InlineData(Json, "tinystories")]
    public void Every_reference_string_has_its_ids_in_every_form(string kind, string name)
    {
        var tokenizer = name == "llama2" ? Tokenizers.Llama(kind) : Tokenizers.Stories();
        var compared = 0;
        foreach (var line in File.ReadLines(ReferenceData.Require("reference_sft", "tokenizer_goldens.jsonl")))
        {
            using var golden = JsonDocument.Parse(line);
            var text = golden.RootElement.GetProperty("text").GetString()!;
            AssertIds(Ids(name), tokenizer.EncodeText(text, boundary: true, SpecialTokenParsing.Library), text);
            AssertIds(Ids(name + "_plain"), tokenizer.EncodeText(text, boundary: true), text);
            AssertIds(Ids(name + "_nonlegacy"), tokenizer.EncodeText(text, boundary: true, SpecialTokenParsing.Literal), text);
            AssertIds(Ids(name + "_plain"), tokenizer.EncodeToTokens(text, out _).Select(token => token.Id), text);
            compared++;

            // A form is given only where it differs from the library's.
            int[] Ids(string key) =>
                [.. golden.RootElement.GetProperty(golden.RootElement.TryGetProperty(key, out _) ? key : name).EnumerateArray().Select(id => id.GetInt32())];
        }
        Assert.Equal(150, compared);
    }

    [SkippableTheory]
    [InlineData(Model)]
    [InlineData(Json)]
    public void Chat_tags_and_answer_letters_have_the_ids_of_the_recipe(string kind)
    {
        var tokenizer = Tokenizers.Llama(kind);
        Assert.Equal([529, 29989, 1792, 29989, 29958, 13], tokenizer.EncodeText("<|user|>\n", boundary: true));
        Assert.Equal([29966, 29989, 1792, 29989, 29958, 13], tokenizer.EncodeText("<|user|>\n", boundary: false));
        Assert.Equal([29966, 29989, 465, 22137, 29989, 29958, 13], tokenizer.EncodeText("<|assistant|>\n", boundary: false));
        Assert.Equal([529, 29989, 465, 22137, 29989, 29958, 13], tokenizer.EncodeText("<|assistant|>\n", boundary: true));
        Assert.Equal([529, 29989, 5205, 29989, 29958, 13], tokenizer.EncodeText("<|system|>\n", boundary: true));
        Assert.Equal([319, 350, 315, 360], tokenizer.EncodeText(" A B C D", boundary: false));
        Assert.Equal((32000, 1, 2, 0, null), (tokenizer.VocabularySize, tokenizer.BeginningId, tokenizer.EndId, tokenizer.UnknownId, tokenizer.PadId));
    }

    [SkippableTheory]
    [InlineData(Model)]
    [InlineData(Json)]
    public void The_dialogue_of_the_recipe_has_its_legacy_and_its_non_legacy_ids(string kind)
    {
        var tokenizer = Tokenizers.Llama(kind);
        const string dialogue = "<|user|>\nHi there\n<|assistant|>\nHello!</s>\n<|user|>\nBye\n<|assistant|>\nCiao</s>";
        int[] first = [529, 29989, 1792, 29989, 29958, 13, 18567, 727, 13, 29966, 29989, 465, 22137, 29989, 29958, 13, 10994, 29991, 2];
        int[] second = [13, 29966, 29989, 1792, 29989, 29958, 13, 2059, 29872, 13, 29966, 29989, 465, 22137, 29989, 29958, 13, 29907, 29653, 2];
        Assert.Equal([.. first, 29871, .. second], tokenizer.EncodeText(dialogue, boundary: true, SpecialTokenParsing.Library));
        Assert.Equal([.. first, .. second], tokenizer.EncodeText(dialogue, boundary: true, SpecialTokenParsing.Literal));
    }

    [SkippableFact]
    public void Both_kinds_of_file_give_the_same_ids_for_real_dialogues()
    {
        var (model, json) = (Tokenizers.Llama(Model), Tokenizers.Llama(Json));
        Assert.True(model.CutsIntoChunks && json.CutsIntoChunks);
        foreach (var line in File.ReadLines(ReferenceData.Require("reference_sft", "sft_rows.jsonl")))
            AssertIds(json.EncodeText(line, boundary: true), model.EncodeText(line, boundary: true), line);
    }

    [SkippableFact]
    public void The_story_tokenizer_is_named_by_its_files_and_merges_over_spaces()
    {
        var tokenizer = Tokenizers.Stories();
        Assert.Equal((2048, 1, 2, 0, 0), (tokenizer.VocabularySize, tokenizer.BeginningId, tokenizer.EndId, tokenizer.UnknownId, tokenizer.PadId));
        Assert.False(tokenizer.CutsIntoChunks);
        Assert.Equal(
            ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"], tokenizer.SourceFiles.Select(file => Path.GetFileName(file)));
    }

    private static void AssertIds(IEnumerable<int> expected, IEnumerable<int> actual, string text) =>
        Assert.True(
            expected.SequenceEqual(actual), $"{JsonSerializer.Serialize(text)}\nexpected {string.Join(' ', expected)}\nactual   {string.Join(' ', actual)}");
}
