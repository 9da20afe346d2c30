using System.Text.Json.Nodes;
using Tulu2.Data.Chat;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Preparation;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Runs;

public sealed class ModelExportTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    [Theory]
    [InlineData(64, 4096)]
    [InlineData(8192, 8192)]
    public void An_export_s_positions_cover_what_it_was_trained_on(int maxLength, int positions)
    {
        var loaded = RecipeReader.Load(_small.Recipe(), [$"data.max_length={maxLength}"]);
        ModelExport.Initial(ModelSource.Open(loaded), loaded.Recipe, _small.In("export"));
        Assert.Equal(positions, (int)Json("config.json")["max_position_embeddings"]!);
        Assert.Equal(ChatTemplate.Jinja, (string)Json("tokenizer_config.json")["chat_template"]!);
        Assert.Equal("first", (string)Json("tokenizer.json")["pre_tokenizer"]!["prepend_scheme"]!);
    }

    private JsonNode Json(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(_small.In("export"), name)))!;
}
