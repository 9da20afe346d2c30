using System.Runtime.InteropServices;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Output;
using Tulu2.Runs.Preparation;
using Tulu2.Tests.Runs;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>A model whose numbers are broken gets no score, no text, no reference pass and no checkpoint: the row or step is named, and the exit code is 1.</summary>
public sealed class BrokenNumbersTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public async Task A_model_with_a_broken_weight_gets_no_score_and_says_nothing(float weight)
    {
        var model = BrokenModel(weight);
        await FailsAsync(["pairs.jsonl:", "the log-probability of its chosen answer is NaN"], "eval", "rows", "--model", model, "--data", _small.In("pairs.jsonl"));
        await FailsAsync(["rows.jsonl:", "logits are not finite"], "eval", "rows", "--model", model, "--data", _small.In("rows.jsonl"));
        await FailsAsync(["error: prompt", "logits are not finite"], "generate", "--model", model, "--prompt", "What is 1 plus 1?");
    }

    [Fact]
    public async Task A_reference_pass_under_broken_weights_ends_with_the_pair_and_leaves_no_cache()
    {
        BrokenModel(float.NaN);
        await FailsAsync(["pairs.jsonl:", "answer under the initial weights is NaN"],
            "train", _small.Recipe("dpo", "{ path: broken }"), "--run", _small.In("run"));
        Assert.Empty(Directory.GetFiles(_small.In("cache"), "reference-*.bin", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("bf16")]
    [InlineData("fp32")]
    public async Task A_checkpoint_of_parameters_that_are_not_finite_is_not_written(string precision)
    {
        var recipe = _small.Recipe();
        await FailsAsync(["step 1: an element of ", ", after the update, is ", "no checkpoint of the step is written"], "train", recipe, "--run", _small.In("run"),
            "--set", "optimizer.learning_rate=1e38", "--set", "schedule.warmup=0", "--set", "checkpoint.every=1", "--set", $"precision={precision}");
        Assert.DoesNotContain(Directory.GetFiles(_small.In("run"), "*.json", SearchOption.AllDirectories), file => file.Contains("manifests"));
        Assert.False(Directory.Exists(_small.In("run/exports/final")));
    }

    [Fact]
    public async Task A_step_that_is_not_finite_ends_the_run_or_is_skipped_by_recipe_until_the_tenth_in_a_row()
    {
        BrokenModel(float.NaN);
        var (recipe, run) = (_small.Recipe("sft", "{ path: broken }"), _small.In("run"));
        await FailsAsync(["step 1: the loss (first in slot 0) is NaN; the step was not applied", "--change on_nonfinite=skip_step"], "train", recipe, "--run", run, "--set", "steps=12", "--set", "checkpoint.every=0");
        await FailsAsync(
            ["step 1 is skipped: the loss (first in slot 0) is NaN; slot 0: rows ", "rows.jsonl:", "step 10: the loss (first in slot 0) is NaN, and none of the 9 steps before it was finite"],
            "train", recipe, "--run", run, "--resume", "--set", "steps=12", "--set", "checkpoint.every=0", "--set", "on_nonfinite=skip_step");
        Assert.Equal(9, File.ReadLines(Path.Combine(run, "metrics.jsonl")).Count(line => line.Contains("\"skipped\":\"the loss (first in slot 0) is NaN\"")));
    }

    private static async Task FailsAsync(string[] complaints, params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", arguments);
        Assert.True(code == ExitCode.Failed, output + errors);
        Assert.All(complaints, complaint => Assert.Contains(complaint, errors));
        Assert.DoesNotContain("   at ", errors);
        Assert.DoesNotContain("restarted", errors);
    }

    private string BrokenModel(float weight)
    {
        var (loaded, directory) = (RecipeReader.Load(_small.Recipe(), []), _small.In("broken"));
        ModelExport.Initial(ModelSource.Open(loaded), loaded.Recipe, directory);
        var path = Path.Combine(directory, "model.safetensors");
        var tensors = new List<SafetensorsTensor>();
        using (var file = new SafetensorsFile(path))
            foreach (var entry in file.Entries.Values)
            {
                var bytes = Read(file, entry);
                if (entry.Name == "model.norm.weight") MemoryMarshal.Write(bytes, weight);
                tensors.Add(new(entry.Name, entry.DataType, entry.Shape, stream => stream.Write(bytes)));
            }
        using var stream = File.Create(path);
        SafetensorsWriter.Write(stream, tensors, new Dictionary<string, string>());
        return directory;
    }

    private static unsafe byte[] Read(SafetensorsFile file, SafetensorsEntry entry) => new ReadOnlySpan<byte>(file.Address(entry), (int)entry.Bytes).ToArray();
}
