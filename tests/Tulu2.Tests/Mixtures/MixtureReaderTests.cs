using System.Text.RegularExpressions;
using Tulu2.Files;
using Tulu2.Mixtures.Recipes;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public partial class MixtureReaderTests
{
    private const string Start = "sources:\n  - { name: mine, converter: flan, files: [rows.jsonl] }\n";

    [Theory]
    [InlineData("", "m.yaml", "is not a mixture: keys and values are wanted")]
    [InlineData("seed: 7\n", "m.yaml: sources", "there are none")]
    [InlineData(Start + "sed: 7\n", "m.yaml:3: sed", "there is no such key here")]
    [InlineData(Start + "seed: x\n", "m.yaml:3: seed", "wants a whole number, not 'x'")]
    [InlineData(Start + "seed: '7'\n", "m.yaml:3: seed", "wants a whole number, not '7'")]
    [InlineData(Start + "mode: strict\n", "m.yaml:3: mode", "there is no 'strict'")]
    [InlineData(Start + "shards: 0\n", "m.yaml:3: shards", "0 is below 1")]
    [InlineData(Start + "format: csv\n", "m.yaml:3: format", "there is no 'csv'")]
    [InlineData(Start + "deduplicate: all\n", "m.yaml:3: deduplicate", "there is no 'all'")]
    [InlineData(Start + "deduplicate: { kind: near, threshold: 2 }\n", "m.yaml:3: deduplicate.threshold", "2 is out of range")]
    [InlineData(Start + "filters: [others]\n", "m.yaml:3: filters.others.name", "there is no 'others'")]
    [InlineData(Start + "filters:\n  - { name: other_models, except: [hard_coded] }\n", "m.yaml:4: filters.other_models.except", "there is no source 'hard_coded'")]
    [InlineData(Start + "filters:\n  - { name: other_models, match: words }\n", "m.yaml:4: filters.other_models.match", "there is no 'words'")]
    [InlineData(Start + "  - { name: mine, converter: flan, files: [rows.jsonl] }\n", "m.yaml:3: sources.mine.name", "'mine' stands twice")]
    [InlineData("sources:\n  - { converter: flan, files: [rows.jsonl] }\n", "m.yaml:2: sources[0].name", "is missing: a text")]
    [InlineData("sources:\n  - { name: a, converter: flam, files: [rows.jsonl] }\n", "m.yaml:2: sources.a.converter", "there is no 'flam'")]
    [InlineData("sources:\n  - name: a\n    converter: flan\n", "m.yaml:2: sources.a.files", "there are none")]
    [InlineData("sources:\n  - name: a\n    converter: flan\n    files: [rows.jsonl]\n    sample: 3\n    weight: 2\n", "m.yaml:6: sources.a.weight", "stands beside a sample")]
    [InlineData("sources:\n  - name: a\n    converter: flan\n    files: [rows.jsonl]\n    options: { top_k: 1 }\n", "m.yaml:5: sources.a.options.top_k", "there is no such key here")]
    [InlineData("sources:\n  - name: a\n    converter: flan\n    files: [rows.jsonl]\n    options: { shares: v2 }\n", "m.yaml:5: sources.a.options.shares", "has no total beside it")]
    [InlineData("sources:\n  - name: a\n    converter: sharegpt\n    files: [rows.jsonl]\n    options: { max_tokens: 4096 }\n", "m.yaml:5: sources.a.options.max_tokens",
        "wants a tokenizer that counts the tokens")]
    [InlineData("sources: [\n", "m.yaml:2", "is not YAML from column 1 on")]
    public void What_cannot_be_used_is_named_with_its_line(string text, string where, string what)
    {
        using var folder = new MixtureFolder();
        folder.Write("rows.jsonl", "{}\n");
        var fault = Assert.Throws<BadInputException>(() => MixtureReader.Parse("m.yaml", text, folder.Root, [], folder.Root));
        Assert.Equal((where, what), (fault.Where, fault.What));
        Assert.NotEqual("", fault.Fix);
    }

    [Theory]
    [InlineData("seed", "seed", "is not of the form key=value")]
    [InlineData("seed=x", "seed=x: seed", "wants a whole number, not 'x'")]
    [InlineData("sources.yours.weight=2", "sources.yours.weight=2", "the mixture has no source 'yours'")]
    [InlineData("sources.mine=7", "sources.mine=7", "a source is more than one value")]
    [InlineData("sources.mine.weight=-1", "sources.mine.weight=-1: sources.mine.weight", "-1 is out of range")]
    [InlineData("seed.more=1", "seed.more=1", "seed has no keys in it")]
    public void What_an_argument_cannot_change_is_named_with_it(string argument, string where, string what)
    {
        using var folder = new MixtureFolder();
        folder.Write("rows.jsonl", "{}\n");
        var fault = Assert.Throws<BadInputException>(() => MixtureReader.Parse("m.yaml", Start + "seed: 7\n", folder.Root, [argument], folder.Root));
        Assert.Equal((where, what), (fault.Where, fault.What));
    }

    [Fact]
    public void A_missing_input_is_named()
    {
        using var folder = new MixtureFolder();
        var fault = Assert.Throws<BadInputException>(() => MixtureReader.Parse("m.yaml", Start, folder.Root, [], folder.Root));
        Assert.Equal(("m.yaml:2: sources.mine.files", $"there is no file {folder.To("rows.jsonl")}"), (fault.Where, fault.What));
    }

    [Fact]
    public void Arguments_change_values_add_keys_and_leave_sources_out()
    {
        using var folder = new MixtureFolder();
        foreach (var name in new[] { "rows.jsonl", "more.jsonl" }) folder.Write(name, "{}\n");
        var text = Start + "  - { name: more, converter: lima, files: [more.jsonl] }\nseed: 7\nfilters: [{ name: other_models, except: [more] }]\n";
        var recipe = MixtureReader.Parse("m.yaml", text, folder.Root, ["seed=9", "sources.mine.weight=0.5", "sources.more=null"], folder.Root);
        Assert.Equal((9, 0.5), (recipe.Seed, recipe.Sources.Single().Amount.Weight));
        Assert.Equal(["more"], recipe.Filters.Single().Except);
        // Where the inputs lie is not part of what is built.
        Assert.Equal(recipe.Canonical,
            MixtureReader.Parse("m.yaml", text, "/", [$"data={folder.Root}", "seed=9", "sources.mine.weight=0.5", "sources.more=null"], "/").Canonical);
    }

    [Theory]
    [InlineData("tulu2-v2", 330_490, 326_154, 11)]
    [InlineData("tulu2-v1", 490_694, 490_694, 7)]
    [InlineData("sharegpt-only", 114_046, 111_912, 1)]
    public void The_shipped_mixtures_have_the_papers_sums(string name, int raw, int final, int sources)
    {
        using var folder = new MixtureFolder();
        var file = Checkout.Path("recipes", "mixtures", $"{name}.yaml");
        var text = File.ReadAllText(file);
        foreach (var path in Files().Matches(text).SelectMany(list => list.Groups[1].Value.Split(", ")).Append("llama2_tokenizer/tokenizer.model"))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.To(path))!);
            File.Copy(Checkout.Path("tests", "Tulu2.Tests", "Golden", "tokenizer.model"), folder.To(path), overwrite: true);
        }
        var recipe = MixtureReader.Load(file, [$"data={folder.Root}"]);
        Assert.Equal((raw, final, sources), (recipe.Sources.Sum(source => source.Paper!.Raw), recipe.Sources.Sum(source => source.Paper!.Final), recipe.Sources.Count));
    }

    [GeneratedRegex(@"files: \[(.*)\]")]
    private static partial Regex Files();
}
