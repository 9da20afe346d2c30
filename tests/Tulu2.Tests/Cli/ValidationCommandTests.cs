using System.Text.Json;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>A run that validates, as a user runs it.</summary>
public sealed class ValidationCommandTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    private async Task<(JsonElement Result, string Errors)> TrainAsync(string run, params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", ["train", .. arguments, "--run", _small.In(run), "--in-process", "--json"]);
        Assert.True(code == ExitCode.Done, output + errors);
        return (JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement, errors);
    }

    private JsonElement[] Validations(string run) =>
        [.. File.ReadLines(_small.In($"{run}/validation.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];

    [Fact]
    public async Task A_share_is_validated_on_and_a_resumed_run_has_the_same_validations()
    {
        var recipe = _small.Recipe(rest: "validation: { share: 0.2, every: 1 }");
        // Long enough for answers in the report.
        string[] flags = ["--set", "optimizer.learning_rate=1e-3", "--set", "data.max_length=200"];
        var (whole, errors) = await TrainAsync("run", [recipe, .. flags]);
        Assert.Contains("validation: ", errors, StringComparison.Ordinal);
        Assert.Contains(" of 40 rows, which are not trained on", errors, StringComparison.Ordinal);
        var validations = Validations("run");
        Assert.Equal([1, 2, 3, 4], validations.Select(validation => validation.GetProperty("step").GetInt32()));
        Assert.Equal(4, whole.GetProperty("best").GetProperty("step").GetInt32());
        Assert.Equal(validations[3].GetProperty("loss").GetDouble(), whole.GetProperty("best").GetProperty("value").GetDouble());
        Assert.Equal("final", new DirectoryInfo(_small.In("run/exports/best")).LinkTarget);
        var report = File.ReadAllText(_small.In("run/report.html"));
        Assert.Contains("Validation: loss", report, StringComparison.Ordinal);
        Assert.Contains("which the model has seen except for those kept for validation", report, StringComparison.Ordinal);

        // As if it had been killed after the checkpoint of step 3, with the validation of step 4 in neither file.
        File.Delete(Directory.GetFiles(_small.In("run/checkpoints/manifests")).Order().Last());
        var lines = File.ReadAllLines(_small.In("run/validation.jsonl"));
        File.WriteAllLines(_small.In("run/validation.jsonl"), lines[..3]);
        var (resumed, _) = await TrainAsync("run", [recipe, .. flags, "--resume", "--set", "parallel.data=1"]);
        Assert.Equal(whole.GetProperty("parameters_sha256").GetString(), resumed.GetProperty("parameters_sha256").GetString());
        Assert.Equal(whole.GetProperty("best").GetRawText(), resumed.GetProperty("best").GetRawText());
        Assert.Equal(ExitCode.Done, (await CommandLineTests.RunAsync("", "ledger", "verify", _small.In("run"))).Code);
    }

    [Fact]
    public async Task Patience_ends_the_run_and_the_best_model_is_exported_and_a_change_lets_it_go_on()
    {
        // A rate that only makes it worse after the first steps.
        var recipe = _small.Recipe(data: "rows.jsonl", rest: "validation: { data: [other.jsonl], every: 1, patience: 1 }");
        File.WriteAllLines(_small.In("other.jsonl"), [SmallTraining.Row("What is 5 plus 1?", "It is 6."), SmallTraining.Row("Who is there?", "Nobody.")]);
        string[] flags = ["--set", "optimizer.learning_rate=1", "--set", "steps=12", "--set", "checkpoint.every=0", "--set", "checkpoint.keep=1"];
        var (stopped, errors) = await TrainAsync("run", [recipe, .. flags]);
        Assert.Contains("1 row of the validation data is in the training data too", errors, StringComparison.Ordinal);
        Assert.Contains("other.jsonl:1 is ", errors, StringComparison.Ordinal);
        Assert.Contains(" for too long: the run ends", errors, StringComparison.Ordinal);
        var (last, best) = (stopped.GetProperty("steps").GetInt32(), stopped.GetProperty("best").GetProperty("step").GetInt32());
        Assert.Equal(best + 1, last);
        Assert.True(last < 12);
        Assert.Equal(last, File.ReadAllLines(_small.In("run/metrics.jsonl")).Length);
        Assert.Null(new DirectoryInfo(_small.In("run/exports/best")).LinkTarget);
        Assert.NotEqual(File.ReadAllBytes(_small.In("run/exports/best/model.safetensors")), File.ReadAllBytes(_small.In("run/exports/final/model.safetensors")));

        var (again, _) = await TrainAsync("run", [recipe, .. flags, "--resume"]);
        Assert.Equal(stopped.GetProperty("parameters_sha256").GetString(), again.GetProperty("parameters_sha256").GetString());
        Assert.Equal(last, again.GetProperty("steps").GetInt32());

        var (changed, _) = await TrainAsync("run", [recipe, .. flags, "--resume", "--change", "validation.patience=0"]);
        Assert.Equal(12, changed.GetProperty("steps").GetInt32());
    }

    [Fact]
    public async Task Pairs_are_validated_by_accuracy_and_margin_with_references_of_their_own()
    {
        await TrainAsync("sft", _small.Recipe());
        var recipe = _small.Recipe("dpo", "{ path: sft/exports/final }", rest: "validation: { share: 0.2, every: 2, metric: rewards_margin }");
        var (result, _) = await TrainAsync("dpo", recipe);
        Assert.Equal("rewards_margin", result.GetProperty("best").GetProperty("metric").GetString());
        Assert.All(Validations("dpo"), validation => Assert.InRange(validation.GetProperty("rewards_accuracy").GetDouble(), 0, 1));
        // The second time they come from the cache.
        var (again, errors) = await TrainAsync("again", recipe);
        Assert.Equal(2, errors.Split("found in the cache").Length - 1);
        Assert.Equal(result.GetProperty("parameters_sha256").GetString(), again.GetProperty("parameters_sha256").GetString());
    }

    [Fact]
    public async Task Sources_have_losses_of_their_own_in_metrics_and_report()
    {
        File.WriteAllLines(_small.In("other.jsonl"), Enumerable.Range(0, 12).Select(row => SmallTraining.Row($"Say {row}.", $"{row}!")));
        var recipe = _small.Recipe(data: "rows.jsonl, { files: [other.jsonl], name: echo, weight: 2 }");
        await TrainAsync("run", recipe);
        var steps = File.ReadLines(_small.In("run/metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.All(steps, step => Assert.True(step.TryGetProperty("loss/rows.jsonl", out _) || step.TryGetProperty("loss/echo", out _)));
        Assert.Contains(steps, step => step.TryGetProperty("loss/rows.jsonl", out var rows) && step.TryGetProperty("loss/echo", out var echo) && rows.GetDouble() != echo.GetDouble());
        var report = File.ReadAllText(_small.In("run/report.html"));
        Assert.Contains("Loss by source", report, StringComparison.Ordinal);
        Assert.Contains("echo", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_without_a_usable_row_are_named_by_their_own_key()
    {
        File.WriteAllText(_small.In("bad.jsonl"), "{\"messages\":[]}\n");
        var (code, _, errors) = await CommandLineTests.RunAsync("", "train", _small.Recipe(rest: "validation: { data: [bad.jsonl] }"), "--set", "data.bad_rows=skip",
            "--run", _small.In("refused"));
        Assert.True(code == ExitCode.BadInput, errors);
        Assert.Contains("error: validation.data", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ share: 1.5 }", "1.5 is not in [0, 1)")]
    [InlineData("{ share: 0.1, data: [rows.jsonl] }", "both validation.data and validation.share are given")]
    [InlineData("{ share: 0.1, metric: rewards_accuracy }", "objective sft has no 'rewards_accuracy'")]
    [InlineData("{ share: 0.001 }", "takes none of them")]
    [InlineData("{ data: [{ files: [rows.jsonl], weight: 2 }] }", "a validation passes every row once")]
    [InlineData("{ data: [none.jsonl] }", "validation.data")]
    public async Task What_cannot_be_validated_on_is_refused(string validation, string what)
    {
        var (code, _, errors) = await CommandLineTests.RunAsync("", "train", _small.Recipe(rest: $"validation: {validation}"), "--run", _small.In("refused"));
        Assert.True(code == ExitCode.BadInput, errors);
        Assert.Contains(what, errors, StringComparison.Ordinal);
        Assert.Contains("\n  fix: ", errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_small.In("refused")));
    }
}
