using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Files;

public sealed class ForeignPathTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_is_not_foreign()
    {
        Put("config.json", "{}");
        Put("adapter_config.json", "{}");
        Assert.Null(ForeignPath.AsModel(_folder.Root));
    }

    [Fact]
    public void An_adapter_is_named_with_its_base()
    {
        Put("adapter_config.json", """{"base_model_name_or_path": "meta-llama/Llama-2-7b-hf"}""");
        Assert.Contains("an adapter, not a model (its base is meta-llama/Llama-2-7b-hf)", ForeignPath.AsModel(_folder.Root)!.Value.What);
    }

    [Fact]
    public void A_run_is_told_from_its_export()
    {
        Put("recipe.yaml", "objective: sft");
        Put("checkpoints/manifests/step-00000001.json", "{}");
        var (what, fix) = ForeignPath.AsModel(_folder.Root)!.Value;
        Assert.Equal("is a run, not a model", what);
        Assert.Contains("tulu2 export", fix);
        Put("exports/final/config.json", "{}");
        Assert.Equal($"give {_folder.File("exports/final")}", ForeignPath.AsModel(_folder.Root)!.Value.Fix);
        Assert.Equal($"its directory final holds one: give {_folder.File("exports/final")}", ForeignPath.AsModel(_folder.File("exports"))!.Value.Fix);
    }

    [Fact]
    public void A_folder_of_the_hubs_cache_is_told_from_its_snapshot()
    {
        Put("blobs/1234", "{}");
        Put("snapshots/abcd/config.json", "{}");
        Assert.Equal($"give {_folder.File("snapshots/abcd")}", ForeignPath.AsModel(_folder.Root)!.Value.Fix);
    }

    [Theory]
    [InlineData("meta-llama/Llama-2-7b-hf", true)]
    [InlineData("model", false)]
    [InlineData("kept/model", false)]
    [InlineData("a/b/c", false)]
    public void A_name_on_the_hub_is_told_from_a_mistyped_path(string path, bool hub)
    {
        Directory.CreateDirectory(_folder.File("kept"));
        Assert.Equal(hub, ForeignPath.AsModel(_folder.File(path))!.Value.Fix.Contains($"write hf://{path}"));
    }

    [Fact]
    public void Other_forms_of_a_model_are_named()
    {
        Put("params.json", "{}");
        Put("consolidated.00.pth", "");
        Assert.Contains("Meta's own form", ForeignPath.AsModel(_folder.Root)!.Value.What);
        File.Delete(_folder.File("params.json"));
        Put("llama-2-7b.Q4_K_M.gguf", "GGUF");
        Assert.Contains("llama-2-7b.Q4_K_M.gguf", ForeignPath.AsModel(_folder.Root)!.Value.What);
        Directory.CreateDirectory(_folder.File("inner"));
        Assert.Contains("empty", ForeignPath.AsModel(_folder.File("inner"))!.Value.What);
    }

    [Fact]
    public void What_is_no_file_of_rows_is_named()
    {
        Put("rows.jsonl", "{}");
        Assert.Null(ForeignPath.AsRows(_folder.File("rows.jsonl")));
        Assert.Equal("name the files of rows in it, such as rows.jsonl", ForeignPath.AsRows(_folder.Root)!.Value.Fix);
        Assert.Contains("write hf://datasets/allenai/tulu-v2-sft-mixture", ForeignPath.AsRows(_folder.File("allenai/tulu-v2-sft-mixture"))!.Value.Fix);
        Assert.Contains("there is no file", ForeignPath.AsRows(_folder.File("row.jsonl"))!.Value.What);
        File.CreateSymbolicLink(_folder.File("good"), "rows.jsonl");
        Assert.Null(ForeignPath.AsRows(_folder.File("good")));
        File.CreateSymbolicLink(_folder.File("bad"), "gone.jsonl");
        Assert.Contains("a link to gone.jsonl", ForeignPath.AsRows(_folder.File("bad"))!.Value.What);
    }

    [Fact]
    public void Descriptions_of_a_data_set_beside_its_rows_are_no_rows()
    {
        Put("train.json", "[]");
        Put("dataset_infos.json", "{}");
        Put("below/state.json", "{}");
        Assert.Equal([_folder.File("train.json")], FilePatterns.ExpandRows(_folder.Root));
        Assert.Contains("without a file of rows", Assert.Throws<BadInputException>(() => FilePatterns.ExpandRows(_folder.File("below"))).What);
    }

    private void Put(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
        File.WriteAllText(_folder.File(name), text);
    }
}
