using System.Text.Json.Nodes;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Tokenizers;

public sealed class LoadingTests : IDisposable
{
    private static readonly TrainedTokenizer Trained = SentencePieceTrainer.Train(Corpus.Texts(200, seed: 6), new() { VocabularySize = 400 });

    private readonly string directory = Directory.CreateTempSubdirectory("tulu2-tokenizer-").FullName;

    public LoadingTests() => Trained.Write(directory);

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private string File_(string name) => Path.Combine(directory, name);

    [Fact]
    public void A_directory_without_a_tokenizer_and_a_missing_path_are_bad_input()
    {
        var empty = Directory.CreateDirectory(File_("empty")).FullName;
        Assert.Equal(empty, Assert.Throws<BadInputException>(() => SentencePieceBpeTokenizer.Load(empty)).Where);
        Assert.Throws<BadInputException>(() => SentencePieceBpeTokenizer.Load(File_("nothing")));
    }

    [Theory]
    [InlineData("tokenizer.model")]
    [InlineData("tokenizer.json")]
    public void A_file_cut_anywhere_is_bad_input_that_names_it(string name)
    {
        var whole = File.ReadAllBytes(File_(name));
        var random = new Random(7);
        foreach (var length in Enumerable.Range(0, 60).Select(_ => random.Next(whole.Length - 2)).Append(0))
        {
            File.WriteAllBytes(File_(name), whole[..length]);
            var failure = Assert.Throws<BadInputException>(() => SentencePieceBpeTokenizer.Load(File_(name)));
            Assert.StartsWith(File_(name), failure.Where);
        }
    }

    [Fact]
    public void Random_bytes_are_bad_input()
    {
        var random = new Random(8);
        for (var i = 0; i < 100; i++)
        {
            var bytes = new byte[random.Next(1, 400)];
            random.NextBytes(bytes);
            File.WriteAllBytes(File_("tokenizer.model"), bytes);
            Assert.Throws<BadInputException>(() => SentencePieceBpeTokenizer.Load(File_("tokenizer.model")));
        }
    }

    [Fact]
    public void Merges_written_as_pairs_give_the_ids_of_merges_written_as_strings()
    {
        var before = SentencePieceBpeTokenizer.Load(directory);
        Edit("tokenizer.json", json =>
        {
            static JsonNode Pair(string merge) => new JsonArray([.. merge.Split(' ').Select(half => JsonValue.Create(half))]);
            json["model"]!["merges"] = new JsonArray([.. json["model"]!["merges"]!.AsArray().Select(merge => Pair(merge!.GetValue<string>()))]);
        });
        Assert.Equal(before.ContentKey, SentencePieceBpeTokenizer.Load(directory).ContentKey);
    }

    [Fact]
    public void Metaspace_puts_one_boundary_before_the_first_text_only_and_none_where_a_space_stands()
    {
        var metaspace = SentencePieceBpeTokenizer.Load(directory);
        Edit("tokenizer.json", json =>
        {
            json["normalizer"] = JsonNode.Parse("""
                {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
                """);
            json["pre_tokenizer"] = null;
        });
        var before = SentencePieceBpeTokenizer.Load(directory);
        Assert.NotEqual(before.ContentKey, metaspace.ContentKey);
        Assert.Equal(before.EncodeText("the story", boundary: true), metaspace.EncodeText("the story", boundary: true));
        Assert.Equal(before.EncodeText(" the story", boundary: false), metaspace.EncodeText(" the story", boundary: true));
        Assert.Equal(
            before.EncodeText("the</s>\nstory", boundary: true, SpecialTokenParsing.Literal),
            metaspace.EncodeText("the</s>\nstory", boundary: true, SpecialTokenParsing.Library));
    }

    [Theory]
    [InlineData("""{"model": {"type": "Unigram"}}""", "Unigram")]
    [InlineData("""{"pre_tokenizer": {"type": "ByteLevel"}}""", "ByteLevel")]
    [InlineData("""{"normalizer": {"type": "NFKC"}}""", "NFKC")]
    [InlineData("""{"model": {"merges": ["a b c"]}}""", "merge 0")]
    [InlineData("""{"model": {"merges": ["nowhere a"]}}""", "nowhere")]
    [InlineData("""{"model": {"vocab": {"a": 1, "b": 1}}}""", "same id 1")]
    public void A_kind_of_tokenizer_that_would_give_other_ids_is_refused_by_name(string change, string named)
    {
        Edit("tokenizer.json", json =>
        {
            foreach (var (key, value) in JsonNode.Parse(change)!.AsObject().ToList())
                if (key == "model")
                    foreach (var (inner, setting) in value!.AsObject().ToList()) json["model"]![inner] = setting!.DeepClone();
                else json[key] = value!.DeepClone();
        });
        Assert.Contains(named, Assert.Throws<BadInputException>(() => SentencePieceBpeTokenizer.Load(directory)).Message);
    }

    [Theory]
    [InlineData("tokenizer.model")]
    [InlineData("tokenizer.json")]
    public void A_padding_token_added_behind_the_vocabulary_is_found(string name)
    {
        var size = Trained.VocabularySize;
        var token = $$"""{"id": {{size}}, "content": "<pad>", "lstrip": false, "rstrip": false, "normalized": false, "single_word": false, "special": true}""";
        Edit("tokenizer.json", json => json["added_tokens"]!.AsArray().Add(JsonNode.Parse(token)));
        Edit("tokenizer_config.json", json =>
        {
            json["pad_token"] = "<pad>";
            json["added_tokens_decoder"]!.AsObject().Add(size.ToString(), JsonNode.Parse(token));
        });
        var tokenizer = SentencePieceBpeTokenizer.Load(File_(name));
        Assert.Equal((size + 1, size), (tokenizer.VocabularySize, tokenizer.PadId));
        Assert.Equal([size], tokenizer.EncodeText("<pad>", boundary: true, SpecialTokenParsing.Library));
        Assert.True(tokenizer.EncodeText("<pad>", boundary: true).Length > 1);
        Assert.NotEqual(Trained.Tokenizer.ContentKey, tokenizer.ContentKey);
    }

    [Fact]
    public void An_end_token_that_is_not_in_the_vocabulary_is_bad_input()
    {
        Edit("tokenizer_config.json", json => json["eos_token"] = "<|nowhere|>");
        Assert.Contains("end token", Assert.Throws<BadInputException>(() => SentencePieceBpeTokenizer.Load(directory)).Message);
        File.WriteAllText(File_("tokenizer_config.json"), "{\n\"eos_token\": ");
        Assert.StartsWith(File_("tokenizer_config.json") + ":2", Assert.Throws<BadInputException>(() => SentencePieceBpeTokenizer.Load(directory)).Where);
    }

    private void Edit(string name, Action<JsonObject> edit)
    {
        var json = JsonNode.Parse(File.ReadAllText(File_(name)))!.AsObject();
        edit(json);
        File.WriteAllText(File_(name), json.ToJsonString());
    }
}
