using System.Text.Json;
using Tulu2.Runs.LayoutPlans;
using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Cli;

public sealed class PlanCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tulu2-plan-");

    [Theory]
    [InlineData("llama2-7b", 8)]
    [InlineData("llama2-13b", 16)]
    [InlineData("llama2-70b", 64)]
    [InlineData("codellama-7b", 8)]
    [InlineData("codellama-13b", 16)]
    [InlineData("codellama-34b", 32)]
    [InlineData("tulu2-70b", 64)]
    public async Task A_preset_is_planned_without_weights_or_data(string preset, int ranks)
    {
        var (code, output, errors) = await RunAsync(Recipe("model: { path: nowhere }"), "--model", preset, "--ranks", $"{ranks}", "--json");
        Assert.True(code == ExitCode.Done, errors);
        var plan = JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
        var layout = plan.GetProperty("layout");
        Assert.Equal(ranks, layout.GetProperty("data").GetInt32() * layout.GetProperty("tensor").GetInt32() * layout.GetProperty("pipeline").GetInt32());
        Assert.InRange(plan.GetProperty("memory_bytes").GetInt64(), 1L << 30, 80L << 30);
        Assert.Equal(plan.GetProperty("step_seconds").GetDouble(), plan.GetProperty("seconds").EnumerateObject().Sum(kind => kind.Value.GetDouble()), 6);
        Assert.Equal(12 * plan.GetProperty("parameter_count").GetInt64(), plan.GetProperty("checkpoint_bytes").GetInt64());
    }

    [Fact]
    public async Task Adapters_beside_a_model_in_4_bits_need_fewer_cards_than_all_its_weights()
    {
        async Task<Dictionary<(string, int), JsonElement>> CardsAsync(params string[] more)
        {
            var (code, output, errors) = await RunAsync(Recipe("model: { path: nowhere }"), ["--cards", "--json", .. more]);
            Assert.True(code == ExitCode.Done, errors);
            return JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement.GetProperty("cards").EnumerateArray()
                .ToDictionary(plan => (plan.GetProperty("model").GetString()!, plan.GetProperty("card_gigabytes").GetInt32()));
        }
        var all = await CardsAsync("--set", "data.max_length=2048");
        var adapters = await CardsAsync("--set", "data.max_length=2048", "--set", "lora.quantize=nf4", "--set", "batch.slot=1");
        Assert.Equal(12, all.Count);
        foreach (var (key, plan) in adapters)
        {
            var cards = plan.GetProperty("cards").GetInt32();
            Assert.True(all[key].GetProperty("cards") is not { ValueKind: JsonValueKind.Number } other || cards <= other.GetInt32(), $"{key}");
            Assert.InRange(plan.GetProperty("memory_bytes").GetInt64(), 1L << 30, key.Item2 * 1_000_000_000L);
        }
        Assert.Equal(1, adapters[("llama2-7b", 24)].GetProperty("cards").GetInt32());
        Assert.Equal(1, adapters[("llama2-70b", 80)].GetProperty("cards").GetInt32());
        // 4.127 bits a weight of the linears, and embedding, norms and head in bf16.
        var (_, planned, _) = await RunAsync(Recipe("model: { path: nowhere }"), "--model", "llama2-70b", "--ranks", "1", "--device", "cuda", "--memory", "80GB", "--set", "lora.quantize=nf4",
            "--set", "batch.slot=1", "--set", "data.max_length=2048", "--json");
        var frozen = JsonDocument.Parse(planned.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement.GetProperty("memory").GetProperty("frozen_model").GetInt64();
        const double Linears = 80.0 * (2 * 8192 * 8192 + 2 * 1024 * 8192 + 3.0 * 8192 * 28672), Others = 2.0 * 32000 * 8192 + 161 * 8192;
        Assert.Equal(4.127, 8 * (frozen - 2 * Others) / Linears, 0.001);
    }

    [Fact]
    public async Task People_get_tables_and_the_flags_that_use_the_layout()
    {
        var (code, output, errors) = await RunAsync(Recipe("model: { path: runs/tulu2-sft-70b/exports/final }"), "--ranks", "64", "--memory", "80GiB");
        Assert.True(code == ExitCode.Done, errors);
        Assert.Contains("shape of llama2-70b, guessed from the path", errors);
        foreach (var part in new[] { "key-value heads over virtual shards", "fp32 master", "gradient reduction", "bubble", "layouts fit", "parallel.tensor=" })
            Assert.Contains(part, output);
    }

    [Fact]
    public async Task What_has_no_effect_is_said_as_training_would_say_it()
    {
        var (code, _, errors) = await RunAsync(Recipe("model: { path: nowhere }"), "--model", "llama2-7b", "--ranks", "8", "--set", "steps=1", "--set", "schedule.warmup=0.03");
        Assert.True(code == ExitCode.Done, errors);
        Assert.Contains("warning: the run's only step has rate 0", errors);
    }

    [Theory]
    [InlineData("no layout fits", "--ranks", "8")]
    [InlineData("no such preset", "--model", "llama3")]
    [InlineData("not a positive quantity", "--memory", "much")]
    [InlineData("80GiB for memory", "--memory", "80")]
    [InlineData("has no unit", "--link-bandwidth", "200")]
    [InlineData("use cuda or cpu", "--device", "tpu")]
    [InlineData("below 1", "--ranks", "0")]
    [InlineData("beyond data.max_length", "--length", "10000")]
    public async Task What_cannot_work_is_refused_with_a_fix(string complaint, params string[] flags)
    {
        var (code, output, errors) = await RunAsync(Recipe("model: { path: nowhere }"), [.. flags.Contains("--model") ? [] : new[] { "--model", "llama2-70b" }, .. flags]);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Empty(output);
        Assert.Contains(complaint, errors);
        Assert.Contains("  fix: ", errors);
    }

    [Fact]
    public async Task A_recipe_s_own_layout_is_checked_and_the_fix_is_one_that_fits()
    {
        var (code, _, errors) = await RunAsync(Recipe("model: { path: nowhere }"), "--model", "llama2-7b", "parallel.data=1");
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("do not fit into 80 GiB", errors);
        (code, _, errors) = await RunAsync(Recipe("model: { path: nowhere }"), "--model", "llama2-70b", "--ranks", "64", "--memory", "50GiB", "--set", "batch.slot=16",
            "--set", "data.max_length=8192", "--set", "parallel.virtual_shards=8");
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Matches("with batch.slot: [48] this fits: data", errors);
    }

    [Fact]
    public async Task A_recipe_that_names_no_layout_gets_the_smallest_that_fits()
    {
        var (code, output, errors) = await RunAsync(Recipe("model: { path: nowhere }"), "--model", "llama2-70b", "--json");
        Assert.True(code == ExitCode.Done, errors);
        Assert.Matches("does not fit on 1 rank .*: proposed for (16|32|64) ranks", string.Join(' ', errors.Split('\n')) + string.Join(' ', output.Split('\n')));
        var plan = JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
        Assert.InRange(plan.GetProperty("ranks").GetInt32(), 16, 64);
        Assert.NotEmpty(plan.GetProperty("flags").EnumerateArray());
    }

    [Theory]
    [InlineData("cpu", null, false)]
    [InlineData("cuda", null, true)]
    [InlineData("cpu", "cuda", true)]
    [InlineData("cuda", "cpu", false)]
    public async Task The_recipe_says_what_is_computed_on_unless_a_flag_does(string recipe, string? flag, bool cuda)
    {
        string[] flags = ["--flops", "50G", "--memory", "80GiB", "--json", .. flag is null ? [] : new[] { "--device", flag }];
        var (code, output, errors) = await RunAsync(Recipe("model: { preset: tiny, tokenizer: nowhere }", recipe), flags);
        Assert.True(code == ExitCode.Done, errors);
        var rates = JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement.GetProperty("rates");
        Assert.Equal((cuda, 80L << 30, 50e9), (rates.GetProperty("cuda").GetBoolean(), rates.GetProperty("memory_bytes").GetInt64(), rates.GetProperty("flops").GetDouble()));
    }

    [Fact]
    public async Task One_of_a_thing_is_one_of_it()
    {
        var (code, output, errors) = await RunAsync(
            Recipe("model: { preset: tiny, tokenizer: nowhere }", "cpu"), "--flops", "50G", "--memory", "1GiB", "--ranks", "1", "batch.global=1", "parallel.virtual_shards=1");
        Assert.True(code == ExitCode.Done, errors);
        foreach (var part in new[] { "1 slot of 2 sequences a step", "1 rank on processor cores", "1 virtual shard" }) Assert.Contains(part, output);
        Assert.DoesNotMatch(@"\b1 (ranks|slots|sequences|layouts|virtual shards)\b", output);
    }

    [Theory]
    [InlineData("runs/tulu2-sft-70b/exports/final", "llama2-70b")]
    [InlineData("models/CodeLlama-34b-hf", "codellama-34b")]
    [InlineData("models/Llama-2-7b-hf", "llama2-7b")]
    [InlineData("models/Llama-2-34b-hf", null)]
    [InlineData("models/tiny-170b", null)]
    [InlineData("models/mine", null)]
    public void A_path_tells_its_preset_by_its_size(string path, string? preset) => Assert.Equal(preset, PlanInput.PresetNamed(path));

    public void Dispose() => _folder.Delete(recursive: true);

    private Task<(int Code, string Output, string Errors)> RunAsync(string recipe, params string[] flags) =>
        CommandLineTests.RunAsync("", ["plan", recipe, .. flags]);

    private string Recipe(string model, string device = "cuda")
    {
        var path = Path.Combine(_folder.FullName, "recipe.yaml");
        File.WriteAllText(path, $$"""
            objective: dpo
            {{model}}
            data: { train: [no-such-rows.jsonl], max_length: 4096 }
            batch: { global: 32, slot: 1 }
            precision: bf16
            parallel: { device: {{device}} }
            """);
        return path;
    }
}
