using System.Text.Json;
using Tulu2.Files;
using Tulu2.Models.HuggingFace;
using Tulu2.Tests.Checkpoints.TorchFiles;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Models.HuggingFace;

/// <summary><c>pytorch_model.bin</c>, as half of the family's checkpoints of 2023 have it.</summary>
public sealed class PickledWeightsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("F32")]
    [InlineData("F16")]
    [InlineData("BF16")]
    public void Pickled_weights_are_those_of_safetensors(string type)
    {
        var directory = _folder.File("model");
        SmallCheckpoint.Export(directory, type: type);
        var expected = SmallCheckpoint.Read(directory, 2);
        TorchWriter.Convert(Path.Combine(directory, "model.safetensors"), Path.Combine(directory, "pytorch_model.bin"));
        Assert.Equal(["model.safetensors"], HuggingFaceModel.WeightFiles(directory).Select(path => Path.GetFileName(path)));
        Assert.Contains("1 file (pytorch_model.bin) with weights that are not read beside model.safetensors",
            HuggingFaceModel.CheckWeights(directory, SmallCheckpoint.Config).Single());
        File.Delete(Path.Combine(directory, "model.safetensors"));
        AssertEqual(expected, SmallCheckpoint.Read(directory, 2));
        Assert.Empty(HuggingFaceModel.CheckWeights(directory, SmallCheckpoint.Config));
    }

    [Fact]
    public void Shards_are_found_through_their_index()
    {
        var directory = _folder.File("model");
        SmallCheckpoint.Export(directory);
        var expected = SmallCheckpoint.Read(directory);
        var names = HuggingFaceTensors.Of(SmallCheckpoint.Config).Select(tensor => tensor.Name).ToArray();
        string Shard(string name) => $"pytorch_model-0000{Array.IndexOf(names, name) * 2 / names.Length + 1}-of-00002.bin";
        var weights = Path.Combine(directory, "model.safetensors");
        foreach (var shard in names.Select(Shard).Distinct()) TorchWriter.Convert(weights, Path.Combine(directory, shard), name => Shard(name) == shard);
        File.WriteAllText(Path.Combine(directory, "pytorch_model.bin.index.json"), JsonSerializer.Serialize(new { weight_map = names.ToDictionary(name => name, Shard) }));
        File.Delete(weights);
        AssertEqual(expected, SmallCheckpoint.Read(directory));
        Assert.Equal(2, HuggingFaceModel.WeightFiles(directory).Count);

        File.Delete(Path.Combine(directory, Shard(names[^1])));
        var failure = Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory));
        Assert.EndsWith("pytorch_model.bin.index.json", failure.Where);
        Assert.Contains("pytorch_model-00002-of-00002.bin", failure.What);
    }

    [Fact]
    public void A_tied_head_that_shares_its_embeddings_storage_is_one_tensor()
    {
        var directory = _folder.File("model");
        var tied = SmallCheckpoint.Config with { TieEmbeddings = true };
        SmallCheckpoint.Export(directory, tied);
        var expected = SmallCheckpoint.Read(directory);
        SmallCheckpoint.Rewrite(directory, tensors => tensors.Add("lm_head.weight", tensors["model.embed_tokens.weight"] with { Name = "lm_head.weight" }));
        TorchWriter.Convert(Path.Combine(directory, "model.safetensors"), Path.Combine(directory, "pytorch_model.bin"));
        File.Delete(Path.Combine(directory, "model.safetensors"));
        AssertEqual(expected, SmallCheckpoint.Read(directory));
    }

    [Fact]
    public void The_form_of_before_version_1_6_is_refused_by_name()
    {
        var directory = _folder.File("model");
        SmallCheckpoint.Export(directory);
        File.Delete(Path.Combine(directory, "model.safetensors"));
        File.WriteAllBytes(Path.Combine(directory, "pytorch_model.bin"), [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]);
        Assert.Contains("before version 1.6", Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory)).What);
    }

    private static void AssertEqual(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (var (name, values) in expected) Assert.Equal(values, actual[name]);
    }
}
