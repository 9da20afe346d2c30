using System.Text.Json;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>Runs of KTO, and rows with labels, as a user meets them.</summary>
public sealed class KtoCommandTests : IDisposable
{
    private static readonly string[] Metrics =
    [
        "kl", "rewards_desirable", "rewards_undesirable", "rewards_margin", "logps_desirable", "logps_undesirable", "count_desirable", "count_undesirable",
    ];

    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    private async Task<(JsonElement Result, string Said)> RunAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", arguments);
        Assert.True(code == ExitCode.Done, output + errors);
        return (arguments.Contains("--json") ? JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement : default, output + errors);
    }

    private async Task<string> RefusedAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", arguments);
        Assert.True(code == ExitCode.BadInput, output + errors);
        return errors;
    }

    private List<JsonElement> Lines(string file) => [.. File.ReadLines(_small.In(file)).Select(line => JsonDocument.Parse(line).RootElement)];

    [Fact]
    public async Task A_run_on_labelled_answers_has_the_metrics_of_both_labels_and_a_report_that_shows_them()
    {
        var recipe = _small.Recipe("kto", rest: "kto: { undesirable_weight: 1.5 }\nvalidation: { share: 0.2, every: 2, metric: rewards_margin }");
        var (result, said) = await RunAsync("train", recipe, "--run", _small.In("run"), "--json");
        Assert.Contains("rows are read as kto", said);
        Assert.Contains("of 40 rows", said);
        var steps = Lines("run/metrics.jsonl");
        Assert.Equal(4, steps.Count);
        Assert.All(steps, step => Assert.Equal(8, step.GetProperty("count_desirable").GetDouble() + step.GetProperty("count_undesirable").GetDouble()));
        foreach (var name in Metrics) Assert.Contains(steps, step => step.TryGetProperty(name, out _));
        Assert.Equal(0, steps[0].GetProperty("kl").GetDouble());
        var validations = Lines("run/validation.jsonl");
        Assert.Equal(2, validations.Count);
        foreach (var name in Metrics) Assert.True(validations[0].TryGetProperty(name, out _), name);
        var report = await File.ReadAllTextAsync(_small.In("run/report.html"));
        Assert.Contains("Estimate of the KL divergence", report);
        Assert.Contains("Rows of a step by label", report);
        // In threads of one process the bits are those of processes.
        var (again, _) = await RunAsync("train", recipe, "--run", _small.In("again"), "--in-process", "--json");
        Assert.Equal(result.GetProperty("parameters_sha256").GetString(), again.GetProperty("parameters_sha256").GetString());
    }

    [Fact]
    public async Task A_run_on_pairs_takes_both_answers_of_each()
    {
        var (_, said) = await RunAsync("train", _small.Recipe("kto", data: "pairs.jsonl"), "--run", _small.In("run"), "--in-process", "--json");
        Assert.Contains("rows are read as preferences", said);
        Assert.Contains("80 of 80 rows", said);
        Assert.Contains(Lines("run/metrics.jsonl"), step => step.GetProperty("count_undesirable").GetDouble() > 0);
        // A later run finds the reference values of its rows.
        var (_, later) = await RunAsync("train", _small.Recipe("kto", data: "pairs.jsonl"), "--run", _small.In("later"), "--in-process", "--json");
        Assert.Contains("rows found in the cache", later);
    }

    [Fact]
    public async Task What_cannot_be_trained_is_refused_by_name()
    {
        File.WriteAllLines(_small.In("one.jsonl"), File.ReadLines(_small.In("labelled.jsonl")).Take(1));
        File.WriteAllLines(_small.In("same.jsonl"), Enumerable.Range(0, 9).Select(row => $$"""{"prompt":"q{{row}}","completion":"yes","label":true}"""));
        File.WriteAllLines(_small.In("odd.jsonl"), File.ReadLines(_small.In("labelled.jsonl")).Append("""{"prompt":"q","completion":"a","label":"perhaps"}""").Append("""{"prompt":"q","completion":"a"}"""));
        Assert.Contains("there is only one row", await TrainRefusedAsync("one.jsonl"));
        Assert.Contains("all 9 rows have the same answer", await TrainRefusedAsync("same.jsonl"));
        File.WriteAllLines(_small.In("liked.jsonl"), File.ReadLines(_small.In("labelled.jsonl")).Where(line => line.Contains("true")));
        var oneKind = _small.Recipe("kto", rest: "validation: { data: [liked.jsonl], metric: rewards_margin }");
        Assert.Contains("rewards_margin needs desirable and undesirable rows", await RefusedAsync("train", oneKind, "--run", _small.In("no")));
        var odd = await TrainRefusedAsync("odd.jsonl");
        Assert.Contains("odd.jsonl:41: label is the text 'perhaps'", odd);
        Assert.Contains("odd.jsonl:42: no label", odd);
        var rows = await TrainRefusedAsync("rows.jsonl");
        Assert.Contains("holds instruction rows, but the objective trains on unpaired preferences", rows);
        Assert.Contains("set objective: sft, or name a file of unpaired preferences", rows);
        Assert.Contains("set objective: dpo or kto", await RefusedAsync("train", _small.Recipe("sft", data: "pairs.jsonl"), "--run", _small.In("no")));
        Assert.Contains("holds unpaired preferences", await RefusedAsync("train", _small.Recipe("dpo", data: "labelled.jsonl"), "--run", _small.In("no")));
        Assert.Contains("kto.beta", await RefusedAsync("train", _small.Recipe("sft", rest: "kto: { beta: 0.2 }"), "--run", _small.In("no")));
        Assert.Contains("kto.beta", await RefusedAsync("train", _small.Recipe("kto", rest: "kto: { beta: 0 }"), "--run", _small.In("no")));
        Assert.Contains("label is true or false", await RefusedAsync("train", _small.Recipe("sft", data: "labelled.jsonl"), "data.format=prompt_completion", "--run", _small.In("no")));

        Task<string> TrainRefusedAsync(string data) => RefusedAsync("train", _small.Recipe("kto", data: data), "--run", _small.In("no"));
    }

    [Fact]
    public async Task Labels_are_shown_and_counted()
    {
        var (_, inspected) = await RunAsync("data", "inspect", _small.In("labelled.jsonl"), "--tokenizer", _small.In("tokenizer"), "--row", "1");
        Assert.Contains("rows are read as kto", inspected);
        Assert.Contains("-- undesirable --", inspected);
        var (stats, _) = await RunAsync("data", "stats", _small.In("labelled.jsonl"), "--tokenizer", _small.In("tokenizer"), "--cache", _small.In("cache"), "--json");
        Assert.Equal(40, stats.GetProperty("rows").GetInt64());
        Assert.Contains("no benchmark scores unpaired preferences", await RefusedAsync("eval", "rows", "--model", _small.In("none"), "--data", _small.In("labelled.jsonl")));
    }

    [Fact]
    public async Task A_plan_is_made_for_it()
    {
        var (_, said) = await RunAsync("plan", _small.Recipe("kto"), "--ranks", "2", "--memory", "8GiB");
        Assert.Contains("kto in fp32, 4 slots of 2 sequences a step", said);
    }
}
