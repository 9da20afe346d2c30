using System.Text.Json.Nodes;
using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Tests.Data.Tokenizers;
using Xunit;

namespace Tulu2.Tests.Data.Export;

public sealed class TokenizerExportTests : IDisposable
{
    private static readonly TrainedTokenizer Trained = SentencePieceTrainer.Train(Corpus.Texts(200, seed: 6), new() { VocabularySize = 400 });

    private readonly TemporaryFolder _folder = new();

    public TokenizerExportTests() => Trained.Write(_folder.Root);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}, "pre_tokenizer": null}""", false)]
    [InlineData("""{"normalizer": null, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true}}""", true)]
    [InlineData("""{"normalizer": null, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": false}}""", false)]
    public void Every_way_to_put_a_boundary_after_each_end_token_becomes_the_one_that_does_not(string form, bool split)
    {
        Edit("tokenizer.json", json =>
        {
            foreach (var (key, value) in JsonNode.Parse(form)!.AsObject().ToList()) json[key] = value?.DeepClone();
        });
        using var exported = Export();
        var json = exported.Json("tokenizer.json");
        Assert.Null(json["normalizer"]);
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse($$"""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": {{(split ? "true" : "false")}}}"""), json["pre_tokenizer"]));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(_folder.File("tokenizer.json")))!["model"], json["model"]));
    }

    [Fact]
    public void A_form_that_agrees_already_is_copied_byte_by_byte()
    {
        using var exported = Export();
        foreach (var name in new[] { "tokenizer.json", "tokenizer.model" })
            Assert.Equal(File.ReadAllBytes(_folder.File(name)), File.ReadAllBytes(Path.Combine(exported.Root, name)));
        Edit("tokenizer.json", json => json["pre_tokenizer"]!["prepend_scheme"] = "never");
        var never = File.ReadAllText(_folder.File("tokenizer.json"));
        using var other = Export();
        Assert.Equal(never, File.ReadAllText(Path.Combine(other.Root, "tokenizer.json")));
    }

    [Fact]
    public void The_chat_template_is_tulu_s_whatever_the_source_had()
    {
        Edit("tokenizer_config.json", json => (json["chat_template"], json["note"]) = ("{{ messages[0]['content'] }}", "kept"));
        _folder.Write("chat_template.jinja", "{{ messages[0]['content'] }}");
        using var exported = Export();
        var config = exported.Json("tokenizer_config.json");
        Assert.Equal((ChatTemplate.Jinja, "kept"), ((string)config["chat_template"]!, (string)config["note"]!));
        Assert.Equal(["special_tokens_map.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json"], exported.Names);
    }

    [Fact]
    public void The_configuration_says_what_training_did()
    {
        Edit("tokenizer_config.json", json =>
        {
            (json["legacy"], json["add_prefix_space"], json["add_eos_token"], json["use_default_system_prompt"], json["model_max_length"]) = (true, true, true, true, 2048);
            json.Remove("add_bos_token");
            json.Remove("bos_token");
        });
        using var exported = Export(positions: 8192);
        var config = exported.Json("tokenizer_config.json");
        Assert.Equal((false, true, false, false), ((bool)config["legacy"]!, (bool)config["add_bos_token"]!, (bool)config["add_eos_token"]!, (bool)config["use_default_system_prompt"]!));
        Assert.False(config.ContainsKey("add_prefix_space"));
        Assert.Equal((8192, "<s>", "LlamaTokenizer"), ((int)config["model_max_length"]!, (string)config["bos_token"]!, (string)config["tokenizer_class"]!));
        using var legacy = Export(ChatForm.Legacy);
        Assert.True((bool)legacy.Json("tokenizer_config.json")["legacy"]!);
        Assert.Equal("always", (string)legacy.Json("tokenizer.json")["pre_tokenizer"]!["prepend_scheme"]!);
    }

    [Fact]
    public void A_lone_tokenizer_model_gets_the_files_that_say_how_it_was_used()
    {
        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json" }) File.Delete(_folder.File(name));
        using var exported = Export();
        Assert.Equal(["special_tokens_map.json", "tokenizer.model", "tokenizer_config.json"], exported.Names);
        var config = exported.Json("tokenizer_config.json");
        Assert.Equal((ChatTemplate.Jinja, false, "LlamaTokenizer"), ((string)config["chat_template"]!, (bool)config["legacy"]!, (string)config["tokenizer_class"]!));
        foreach (var file in new[] { config, exported.Json("special_tokens_map.json") })
            Assert.Equal(("<s>", "</s>", "<unk>"), ((string)file["bos_token"]!, (string)file["eos_token"]!, (string)file["unk_token"]!));
    }

    [Fact]
    public void A_tokenizer_json_of_another_kind_beside_the_model_that_was_read_does_not_go_along()
    {
        Edit("tokenizer.json", json => json["pre_tokenizer"] = JsonNode.Parse("""{"type": "ByteLevel"}"""));
        using var exported = new ExportedFiles(SentencePieceBpeTokenizer.Load(_folder.File("tokenizer.model")));
        Assert.DoesNotContain("tokenizer.json", exported.Names);
    }

    private ExportedFiles Export(ChatForm form = ChatForm.Default, int positions = 4096) => new(SentencePieceBpeTokenizer.Load(_folder.Root), form, positions);

    private void Edit(string name, Action<JsonObject> edit)
    {
        var json = JsonNode.Parse(File.ReadAllText(_folder.File(name)))!.AsObject();
        edit(json);
        _folder.Write(name, json.ToJsonString());
    }
}
