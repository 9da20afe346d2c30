using Tulu2.Files;
using Tulu2.Hub.References;
using Xunit;

namespace Tulu2.Tests.Hub;

public class HubReferenceTests
{
    [Theory]
    [InlineData("hf://org/name", RepositoryKind.Model, "org/name", null, "")]
    [InlineData("hf://models/org/name@v1.0", RepositoryKind.Model, "org/name", "v1.0", "")]
    [InlineData("hf://org/name@feature%2Fx", RepositoryKind.Model, "org/name", "feature/x", "")]
    [InlineData("hf://datasets/org/name", RepositoryKind.Dataset, "org/name", null, "")]
    [InlineData("hf://datasets/org/name@dev/data/train.jsonl", RepositoryKind.Dataset, "org/name", "dev", "data/train.jsonl")]
    [InlineData("hf://datasets/org/name@refs/convert/parquet/default/*.parquet", RepositoryKind.Dataset, "org/name", "refs/convert/parquet",
        "default/*.parquet")]
    public void Uris_are_those_of_the_ecosystem(string text, RepositoryKind kind, string repository, string? revision, string path)
    {
        var reference = HubReference.ParseUri(text);
        Assert.Equal(new HubReference(kind, repository, revision, path), reference);
        Assert.Equal(reference, HubReference.ParseUri($"{reference}"));
    }

    [Theory]
    [InlineData("hf://")]
    [InlineData("hf://gpt2")]
    [InlineData("hf://datasets/squad")]
    [InlineData("hf://org/")]
    [InlineData("hf://org/name@")]
    [InlineData("hf://dataset/org/name")]
    [InlineData("hf://spaces/org/name")]
    [InlineData("hf://org/na--me")]
    [InlineData("hf://org/../etc")]
    [InlineData("hf://org/name@..%2F..%2Fetc")]
    [InlineData("hf://datasets/org/name/../../x")]
    [InlineData("hf://org/name.git")]
    [InlineData("hf:///org/name")]
    public void What_is_none_is_refused(string text) => Assert.Equal(text, Assert.Throws<BadInputException>(() => HubReference.ParseUri(text)).Where);

    [Fact]
    public void A_name_on_the_command_line_may_have_a_revision_with_slashes()
    {
        Assert.Equal(new HubReference(RepositoryKind.Model, "org/name", "feature/x", ""), HubReference.ParseName("org/name@feature/x", RepositoryKind.Model));
        Assert.Equal("gpt2", HubReference.ParseName("gpt2", RepositoryKind.Model).Repository);
        Assert.Equal("org/rows", HubReference.ParseName("datasets/org/rows", RepositoryKind.Dataset).Repository);
        Assert.Contains("data fetch org/rows", Assert.Throws<BadInputException>(() =>
            HubReference.ParseName("hf://datasets/org/rows", RepositoryKind.Model)).Fix);
        Assert.Throws<BadInputException>(() => HubReference.ParseName("https://huggingface.co/org/name", RepositoryKind.Model));
        Assert.Throws<BadInputException>(() => HubReference.ParseName("a/b/c", RepositoryKind.Model));
    }

    [Theory]
    [InlineData("*.json", "a/b.json", true)]
    [InlineData("data/", "data/x/y", true)]
    [InlineData("model?.bin", "model1.bin", true)]
    [InlineData("model.bin", "modelxbin", false)]
    public void A_pattern_of_the_command_line_passes_over_slashes(string pattern, string name, bool matches) =>
        Assert.Equal(matches, FilePattern.Matches(pattern, name));

    [Theory]
    [InlineData("*.jsonl", "a.jsonl", true)]
    [InlineData("*.jsonl", "x/a.jsonl", false)]
    [InlineData("**/*.jsonl", "x/y/a.jsonl", true)]
    [InlineData("**/*.jsonl", "a.jsonl", true)]
    [InlineData("data", "data/a.jsonl", true)]
    [InlineData("data", "database.jsonl", false)]
    [InlineData("", "any", true)]
    public void A_path_of_a_recipe_means_what_it_means_for_files(string path, string name, bool matches) =>
        Assert.Equal(matches, FilePattern.Denotes(path, name));
}
