using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Models.Torch;
using Tulu2.Runs.Output;
using Tulu2.Tests.Cli;
using Xunit;

namespace Tulu2.Tests.Golden;

/// <summary>
/// Ten or twelve steps of a tiny model through <c>train</c>, with all digits and the hash of the final parameters. A regression golden: this program made it, no independent
/// implementation did (that is <c>ReferenceTrajectoryTests</c>). Bits are those of one CPU type and one libtorch build (docs/assumptions.md, 1), which the first line
/// names; on any other the figures are compared within a tolerance and the hash is not.
/// </summary>
public sealed class GoldenTrajectoryTests : IDisposable
{
    private static readonly string[] Folder = ["tests", "Tulu2.Tests", "Golden"];

    private static readonly Dictionary<string, string> Rows = new() { ["sft"] = "dialogues.jsonl", ["dpo"] = "pairs.jsonl", ["kto"] = "labelled.jsonl" };

    private readonly Data.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A trajectory for every loss of <c>dpo.loss</c> beside the default's, and for what can be combined with them.</summary>
    [Theory]
    [InlineData("ipo", "{ loss: ipo }")]
    [InlineData("hinge", "{ loss: hinge }")]
    [InlineData("robust", "{ loss: robust, label_smoothing: 0.1 }")]
    [InlineData("simpo", "{ loss: simpo, beta: 2 }")]
    [InlineData("orpo", "{ loss: orpo }")]
    [InlineData("wpo", "{ weighting: wpo }")]
    [InlineData("combined", "{ beta: 5, label_smoothing: 0.1, length_normalize: true, sft_weight: 0.5, length_margin: 0.01 }")]
    public Task Twelve_steps_of_every_preference_loss_have_the_losses_that_they_had(string name, string keys) =>
        CheckAsync($"trajectory-dpo-{name}.jsonl", "dpo", "fp32", 12, keys, 1e-4);

    [Theory]
    [InlineData("lora", "sft", "fp32", "{ rank: 8, dropout: 0.1 }", 1e-4)]
    [InlineData("qlora", "sft", "bf16", "{ rank: 8, rslora: true, quantize: nf4, targets: [q_proj, v_proj, down_proj] }", 1e-2)]
    [InlineData("lora", "dpo", "bf16", "{ rank: 4, dropout: 0.1 }", 3e-2)]
    [InlineData("qlora", "dpo", "fp32", "{ rank: 8, quantize: nf4 }", 1e-4)]
    public Task Twelve_steps_of_adapters_have_the_losses_that_they_had(string name, string objective, string precision, string lora, double tolerance) =>
        CheckAsync($"trajectory-{objective}-{name}.jsonl", objective, precision, 12, "{}", tolerance, lora);

    [Fact]
    public Task Twelve_steps_of_kto_have_the_losses_that_they_had() => CheckAsync("trajectory-kto.jsonl", "kto", "fp32", 12, "{ desirable_weight: 1.25 }", 1e-4);

    [Theory]
    [InlineData("sft", "fp32", 1e-5)]
    [InlineData("sft", "bf16", 1e-2)]
    [InlineData("dpo", "fp32", 1e-4)]
    [InlineData("dpo", "bf16", 3e-2)]
    public Task Ten_steps_have_the_losses_that_they_had(string objective, string precision, double tolerance) =>
        CheckAsync($"trajectory-{objective}-{precision}.jsonl", objective, precision, 10, "{}", tolerance);

    /// <summary>The files are those of a version that knew no shared prompts.</summary>
    [Theory]
    [InlineData("fp32", 1e-4)]
    [InlineData("bf16", 3e-2)]
    public Task So_have_those_of_pairs_with_a_prompt_for_each_answer(string precision, double tolerance) =>
        CheckAsync($"trajectory-dpo-unshared-{precision}.jsonl", "dpo", precision, 10, "{ share_prompt: false }", tolerance);

    private async Task CheckAsync(string file, string objective, string precision, int steps, string keys, double tolerance, string? lora = null)
    {
        string[] path = [.. Folder, file];
        var lines = await TrainAsync(objective, precision, steps, keys, lora);
        var expected = GoldenFile.Read(path).Split('\n');
        if (GoldenFile.IsRefreshing || expected[0] == lines[0])
        {
            GoldenFile.Check(string.Join('\n', lines) + '\n', path);
            return;
        }
        Assert.Equal(expected.Length, lines.Count + 1);
        foreach (var (before, now) in expected.Skip(1).Zip(lines.Skip(1)).SkipLast(1)) AssertNear(before, now, tolerance);
    }

    private async Task<List<string>> TrainAsync(string objective, string precision, int steps, string keys, string? lora)
    {
        var (golden, run) = (Checkout.Path(Folder), _folder.File("run"));
        var recipe = _folder.Write("recipe.yaml", $$"""
            objective: {{objective}}
            model: { preset: tiny, tokenizer: {{Path.Combine(golden, "tokenizer.model")}} }
            data: { train: [{{Path.Combine(golden, Rows[objective])}}], max_length: 96, cache: {{_folder.File("cache")}} }
            batch: { global: 8, slot: 2 }
            steps: {{steps}}
            {{(objective == "sft" ? "" : $"{objective}: {keys}")}}
            optimizer: { learning_rate: {{(objective == "sft" ? "1e-2" : "1e-3")}} }
            schedule: { warmup: 2 }
            precision: {{precision}}
            {{(lora is null ? "" : $"lora: {lora}")}}
            """);
        var (code, output, errors) = await CommandLineTests.RunAsync("", "train", recipe, "--run", run, "--in-process", "--json");
        Assert.True(code == ExitCode.Done, output + errors);
        var machine = JsonSerializer.Serialize(new { machine = TorchRuntime.Facts });
        var hash = JsonNode.Parse(output)!["parameters_sha256"]!.ToJsonString();
        return [machine, .. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(WithoutTime), $$"""{"parameters_sha256":{{hash}}}"""];
    }

    private static string WithoutTime(string line)
    {
        var step = JsonNode.Parse(line)!.AsObject();
        step.Remove("seconds");
        return step.ToJsonString();
    }

    private static void AssertNear(string expected, string actual, double tolerance)
    {
        var (before, now) = (JsonNode.Parse(expected)!.AsObject(), JsonNode.Parse(actual)!.AsObject());
        foreach (var (name, value) in before)
        {
            var (wanted, got) = (value!.GetValue<double>(), now[name]!.GetValue<double>());
            Assert.True(Math.Abs(got - wanted) <= tolerance * Math.Max(1, Math.Abs(wanted)), $"{name}: {got} in place of {wanted}, in {expected}");
        }
    }
}
