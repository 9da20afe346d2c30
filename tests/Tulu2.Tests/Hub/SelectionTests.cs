using Tulu2.Files;
using Tulu2.Hub.References;
using Tulu2.Hub.Selection;
using Xunit;

namespace Tulu2.Tests.Hub;

public class SelectionTests
{
    private static readonly string[] Usual = ["README.md", ".gitattributes", "config.json", "generation_config.json", "tokenizer.json", "tokenizer.model",
        "tokenizer_config.json", "special_tokens_map.json"];

    private static IEnumerable<string> Weights(params string[] names) =>
        ModelFiles.Whole("org/name", [.. Usual, .. names]).Where(name => !Usual.Contains(name));

    [Fact]
    public void Of_a_model_config_tokenizer_and_one_kind_of_weights_are_needed()
    {
        string[] shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"];
        string[] pickles = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin", "pytorch_model.bin.index.json"];
        Assert.Equal(shards, Weights([.. shards, .. pickles, "original/consolidated.00.pth", "tf_model.h5", "model.fp16.safetensors", "training_args.bin"]));
        Assert.Equal(pickles, Weights(pickles));
        Assert.Equal(["model.safetensors"], Weights([.. shards, "model.safetensors", "pytorch_model.bin"]));
        Assert.Equal(["pytorch_model.bin"], Weights("pytorch_model.bin"));
        Assert.DoesNotContain("README.md", ModelFiles.Whole("org/name", [.. Usual, "model.safetensors"]));
        Assert.Contains("generation_config.json", ModelFiles.Whole("org/name", [.. Usual, "model.safetensors"]));
    }

    [Fact]
    public void What_is_no_model_is_named()
    {
        Assert.Contains("an adapter", Assert.Throws<BadInputException>(() => ModelFiles.Whole("org/name", ["adapter_config.json"])).Message);
        Assert.Contains("it has llama.gguf", Assert.Throws<BadInputException>(() => ModelFiles.Whole("org/name", ["config.json", "llama.gguf"])).Message);
        Assert.Contains("no config.json", Assert.Throws<BadInputException>(() => ModelFiles.Whole("org/name", ["model.safetensors"])).Message);
        Assert.Throws<BadInputException>(() => ModelFiles.Tokenizer("org/name", ["config.json"]));
    }

    [Fact]
    public void Of_a_data_set_the_files_of_rows_are_fetched()
    {
        string[] names = ["README.md", "dataset_infos.json", "data/train.parquet", "data/.hidden.json", "extra.jsonl.gz", "notes.txt", "notes.json"];
        IReadOnlyList<string> At(string path) => RowFiles.At(HubReference.ParseUri($"hf://datasets/org/rows{path}"), names);
        Assert.Equal(["data/train.parquet", "extra.jsonl.gz"], At(""));
        Assert.Equal(["data/train.parquet"], At("/data"));
        Assert.Equal(["notes.txt"], At("/notes.txt"));
        Assert.Equal(["extra.jsonl.gz"], At("/*.gz"));
        Assert.Equal("did you mean extra.jsonl.gz?", Assert.Throws<BadInputException>(() => At("/extra.json.gz")).Fix);
        Assert.Throws<BadInputException>(() => At("/*.zip"));
    }

    [Fact]
    public void Flags_choose_by_patterns()
    {
        string[] names = ["a.json", "b.bin", "c/d.bin"];
        IReadOnlyList<string> Of(string[] include, string[] exclude) => Choice.Of("org/name", names, include, exclude, _ => ["a.json", "b.bin"]);
        Assert.Equal(["a.json", "b.bin"], Of([], []));
        Assert.Equal(["a.json"], Of([], ["*.bin"]));
        Assert.Equal(["b.bin", "c/d.bin"], Of(["*.bin"], []));
        Assert.Equal("--include *.zip", Assert.Throws<BadInputException>(() => Of(["*.zip"], [])).Where);
        Assert.Throws<BadInputException>(() => Of([], ["*"]));
    }
}
