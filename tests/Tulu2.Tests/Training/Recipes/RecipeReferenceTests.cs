using Newtonsoft.Json.Linq;
using NJsonSchema;
using Tulu2.Tests.Golden;
using Tulu2.Training.Recipes;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Tests.Training.Recipes;

/// <summary>The page and the schema say what the reader does, no more and no less.</summary>
public class RecipeReferenceTests
{
    [Fact]
    public void The_page_is_what_the_keys_say() => GoldenFile.Check(RecipeReference.Markdown(), "docs", "recipe.md");

    [Fact]
    public void The_schema_is_what_the_keys_say() => GoldenFile.Check(RecipeReference.Schema(), "recipes", "recipe.schema.json");

    [Fact]
    public void Every_key_says_what_it_means() => Assert.All(RecipeKey.All, key => Assert.EndsWith(".", key.Meaning));

    [Fact]
    public void No_two_keys_of_other_trainers_point_at_a_name_that_is_a_key_itself()
    {
        var names = RecipeKey.All.Select(key => key.Name).ToHashSet();
        foreach (var key in RecipeKey.All)
            foreach (var other in new[] { key.KnownAs?.Trl, key.KnownAs?.Torchtune, key.KnownAs?.LlamaFactory, key.KnownAs?.Others })
                Assert.All((other ?? "").Split(", "), name => Assert.True(!names.Contains(name) || name == key.Name, name));
    }

    [Fact]
    public async Task The_schema_takes_every_recipe_that_ships_and_names_itself_in_it()
    {
        var schema = await JsonSchema.FromJsonAsync(RecipeReference.Schema());
        foreach (var file in Directory.GetFiles(Checkout.Path("recipes"), "*.yaml"))
        {
            Assert.StartsWith("# yaml-language-server: $schema=recipe.schema.json\n", File.ReadAllText(file));
            Assert.Empty(schema.Validate(Json(File.ReadAllText(file))));
        }
        Assert.Empty(schema.Validate(Json(RecipeWriter.Write(new Recipe()))));
    }

    [Theory]
    [InlineData("optimizer: { lr: 1e-5 }")]
    [InlineData("seed: twelve")]
    [InlineData("seed: 1.5")]
    [InlineData("objective: ppo")]
    [InlineData("batch: 128")]
    [InlineData("data: { train: [1] }")]
    [InlineData("data: { train: [{ weight: 2 }] }")]
    [InlineData("data: { train: [{ files: a.jsonl, weigth: 2 }] }")]
    [InlineData("data: { train: [{ files: a.jsonl, sample: 0 }] }")]
    [InlineData("data: { columns: { prompt: 1 } }")]
    public async Task The_schema_refuses_what_the_reader_refuses(string yaml) =>
        Assert.NotEmpty((await JsonSchema.FromJsonAsync(RecipeReference.Schema())).Validate(Json(yaml)));

    [Theory]
    [InlineData("data: { train: a.jsonl }")]
    [InlineData("data: { train: [a.jsonl, { files: [b.jsonl], name: b, weight: 0.5, limit: 10, format: alpaca, columns: { prompt: q }, learn: last }] }")]
    public async Task The_schema_takes_sources(string yaml) =>
        Assert.Empty((await JsonSchema.FromJsonAsync(RecipeReference.Schema())).Validate(Json(yaml)));

    private static JToken Json(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return Convert(stream.Documents[0].RootNode);
    }

    // As editors read YAML 1.2: a plain scalar that looks like a number or a truth value is one.
    private static JToken Convert(YamlNode node) => node switch
    {
        YamlMappingNode map => new JObject(map.Select(pair => new JProperty(((YamlScalarNode)pair.Key).Value!, Convert(pair.Value)))),
        YamlSequenceNode list => new JArray(list.Select(Convert)),
        YamlScalarNode { Value: "true" or "false" } truth => new JValue(truth.Value == "true"),
        YamlScalarNode { Value: "null" or "" } => JValue.CreateNull(),
        YamlScalarNode { Value: { } text } => long.TryParse(text, out var whole) ? new JValue(whole)
            : double.TryParse(text, out var number) ? new JValue(number) : new JValue(text),
        _ => throw new NotSupportedException(),
    };
}
