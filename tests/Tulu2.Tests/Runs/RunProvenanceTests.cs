using Tulu2.Evaluation.Provenance;
using Tulu2.Files;
using Tulu2.Runs.Execution;
using Tulu2.Tests.Data;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Runs;

public sealed class RunProvenanceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_runs_stage_follows_those_of_the_model_that_it_began_with()
    {
        var model = Directory.CreateDirectory(_folder.File("model")).FullName;
        ProvenanceFile.Write(model, new ModelProvenance([new("sft", [new("mix/a.jsonl")])]));
        var rows = _folder.Write("pairs.jsonl", "{}\n");
        var data = new DataRecipe { Train = [rows, new DataSourceRecipe { Files = ["hf://datasets/x/y"], Name = "other" }] };
        var recipe = new Recipe { Objective = Objective.Dpo, Model = new ModelRecipe { Path = model }, Data = data };
        var stages = RunProvenance.Of(recipe).Stages;
        Assert.Equal(["sft", "dpo"], stages.Select(stage => stage.Objective));
        Assert.Equal([new($"{Path.GetFileName(_folder.Root)}/pairs.jsonl", 3, ContentHash.OfFile(rows)), new TrainedData("other: hf://datasets/x/y")],
            stages[1].Data);

        File.WriteAllText(Path.Combine(model, ProvenanceFile.Name), "{");
        Assert.Equal(["dpo"], RunProvenance.Of(recipe).Stages.Select(stage => stage.Objective));
    }

    [Theory]
    [InlineData("/cache/datasets--HuggingFaceH4--ultrafeedback_binarized/snapshots/0123/data/train.parquet",
        "hf://datasets/HuggingFaceH4/ultrafeedback_binarized/train.parquet")]
    [InlineData("/a/b/c.jsonl", "b/c.jsonl")]
    [InlineData("hf://datasets/a/b", "hf://datasets/a/b")]
    public void Files_have_names_that_mean_something_elsewhere(string path, string name) => Assert.Equal(name, RunProvenance.NameOf(path));
}
