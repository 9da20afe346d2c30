using System.Net;
using System.Text.Json;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Tasks;
using Tulu2.Runs.Output;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary><c>report</c> with several runs, as a user compares them.</summary>
public sealed class CompareCommandTests : IDisposable
{
    private const string OneStep = """{"step":1,"loss":2.5,"learning_rate":0.1,"grad_norm":1,"tokens":1200,"loss_tokens":600,"seconds":0.5}""";

    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    private static async Task<(JsonElement Result, string Errors)> RunAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", [.. arguments, "--json"]);
        Assert.True(code == ExitCode.Done, output + errors);
        return (JsonDocument.Parse(output).RootElement, errors);
    }

    private async Task RefusedAsync(string what, params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", ["report", .. arguments]);
        Assert.True(code == ExitCode.BadInput, output + errors);
        Assert.Empty(output);
        Assert.Contains(what, errors);
        Assert.Contains("\n  fix: ", errors);
    }

    private string Run(string name, string metrics)
    {
        Directory.CreateDirectory(_small.In(name));
        File.WriteAllText(Path.Combine(_small.In(name), "metrics.jsonl"), metrics);
        return _small.In(name);
    }

    [Fact]
    public async Task A_full_run_and_one_with_adapters_beside_four_bits_stand_side_by_side()
    {
        string full = _small.In("full"), qlora = _small.In("qlora"), page = _small.In("pages/both.html");
        // A rank's process writes down its memory; a thread has none of its own.
        var (whole, _) = await RunAsync("train", _small.Recipe(rest: "validation: { share: 0.2, every: 2 }"), "--run", full);
        var adapters = _small.Recipe(rest: "lora: { rank: 4, quantize: nf4 }\nvalidation: { share: 0.2, every: 2 }");
        var (adapted, _) = await RunAsync("train", adapters, "--run", qlora, "--in-process");
        var (result, table) = await RunAsync("report", full, qlora, "--to", page, "--data", _small.In("rows.jsonl"), "--in-process", "--max-tokens", "4");

        Assert.Equal(page, result.GetProperty("report").GetString());
        var (one, other) = (result.GetProperty("runs")[0], result.GetProperty("runs")[1]);
        foreach (var (run, trained, name) in new[] { (one, whole, "full"), (other, adapted, "qlora") })
        {
            Assert.Equal(name, run.GetProperty("name").GetString());
            foreach (var key in new[] { "loss_first", "loss_last" }) Assert.Equal(trained.GetProperty(key).GetDouble(), run.GetProperty(key).GetDouble());
            Assert.Equal(trained.GetProperty("tokens_per_second").GetDouble(), run.GetProperty("tokens_per_second").GetDouble(), 1e-6);
            Assert.Equal((4, 4, 2), (run.GetProperty("steps").GetInt32(), run.GetProperty("total_steps").GetInt32(), run.GetProperty("ranks").GetInt32()));
            Assert.Equal("exact_match", run.GetProperty("scores")[0].GetProperty("benchmark").GetString());
            Assert.Equal(40, run.GetProperty("scores")[0].GetProperty("items").GetInt32());
            Assert.InRange(run.GetProperty("best_validation").GetProperty("loss").GetDouble(), 0.1, 10);
            Assert.True(run.GetProperty("seconds").GetDouble() >= run.GetProperty("step_seconds").GetDouble());
        }

        var parameters = one.GetProperty("parameters").GetInt64();
        Assert.Equal(Elements(Path.Combine(full, "exports/final/model.safetensors")), parameters);
        Assert.Equal((parameters, parameters), (one.GetProperty("trained_parameters").GetInt64(), other.GetProperty("parameters").GetInt64()));
        Assert.Equal(Elements(Path.Combine(qlora, "exports/final/adapter_model.safetensors")), other.GetProperty("trained_parameters").GetInt64());
        Assert.Equal(JsonValueKind.Null, one.GetProperty("adapters").ValueKind);
        Assert.Equal(4, other.GetProperty("adapters").GetProperty("rank").GetInt32());
        Assert.Equal("nf4", other.GetProperty("adapters").GetProperty("quantize").GetString());

        var (large, small) = (one.GetProperty("memory"), other.GetProperty("memory"));
        // fp32: the master is what is computed with; 16 elements is what each parameter may be padded by.
        Assert.Equal((0, 0), (Of(large, "frozen"), Of(large, "compute_weights")));
        Assert.InRange(Of(large, "master"), 4 * parameters, 4 * parameters * 1.1);
        foreach (var memory in new[] { large, small }) Assert.Equal(2 * Of(memory, "master"), Of(memory, "moments"));
        Assert.InRange(Of(small, "frozen"), parameters / 2, 4 * parameters - 1);
        Assert.True(Of(small, "weights_and_optimizer") < Of(large, "weights_and_optimizer") / 2);
        Assert.Equal(Of(small, "weights_and_optimizer"), Of(small, "frozen") + Of(small, "master") + Of(small, "moments"));
        var (plan, _) = await RunAsync("plan", adapters, $"model.path={_small.In("qlora/exports/base")}", "--memory", "80GiB", "--flops", "1T");
        foreach (var (planned, kind) in new[] { ("frozen_model", "frozen"), ("fp32_master", "master"), ("moments", "moments") })
            Assert.Equal(Of(plan.GetProperty("memory"), planned), Of(small, kind));
        Assert.Equal(Of(plan, "memory_bytes"), Of(small, "planned_bytes"));
        Assert.InRange(one.GetProperty("measured_bytes").GetInt64(), 50L << 20, 10L << 30);
        Assert.Equal(JsonValueKind.Null, other.GetProperty("measured_bytes").ValueKind);

        var text = WebUtility.HtmlDecode(File.ReadAllText(page));
        foreach (var part in new[]
        {
            "<h1>Runs compared</h1>", "adapters of all projections: rank 4, alpha 16, dropout 0.1</td>", "4 bits (nf4, double quantisation)</td>",
            $"{parameters:N0} (100.00 %)</td>", "<figcaption>Loss by step", "<figcaption>Validation loss by step",
            "weights and optimizer</th>", "lora.rank</th>", "exact match (40 items)</th>",
        }) Assert.Contains(part, text);
        foreach (var row in new[] { "trained parameters ", "best validation ", "weights and optimizer ", "tokens/s ", "measured " })
            Assert.Contains($"│ {row}", table);
        Assert.Contains($"comparison: {page}\n", table);

        static long Of(JsonElement memory, string kind) => memory.GetProperty(kind).GetInt64();

        static long Elements(string path)
        {
            using var file = new SafetensorsFile(path);
            return file.Entries.Values.Sum(entry => entry.Shape.ToArray().Aggregate(1L, (product, size) => product * size));
        }
    }

    [Fact]
    public async Task What_cannot_be_told_any_more_is_unknown_and_runs_of_one_name_are_called_by_their_paths()
    {
        await RunAsync("train", _small.Recipe(), "--run", _small.In("run"), "--in-process");
        var bare = Run("old/run", OneStep);
        // The model of the recipe is gone, and its shape is read from the export.
        Directory.Delete(_small.In("tokenizer"), recursive: true);
        var (exported, _) = await RunAsync("report", _small.In("run"), bare, "--to", _small.In("page.html"));
        Assert.Equal([_small.In("run"), bare], exported.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("name").GetString()));
        Assert.True(exported.GetProperty("runs")[0].GetProperty("parameters").GetInt64() > 0);
        Assert.Equal(JsonValueKind.Object, exported.GetProperty("runs")[0].GetProperty("memory").ValueKind);
        Assert.Equal(JsonValueKind.Null, exported.GetProperty("runs")[1].GetProperty("parameters").ValueKind);
        Assert.Equal(2400, exported.GetProperty("runs")[1].GetProperty("tokens_per_second").GetDouble());

        Directory.Delete(_small.In("run/exports"), recursive: true);
        var (gone, table) = await RunAsync("report", _small.In("run"), bare, "--to", _small.In("page.html"));
        Assert.Equal(JsonValueKind.Null, gone.GetProperty("runs")[0].GetProperty("memory").ValueKind);
        Assert.Equal("sft", gone.GetProperty("runs")[0].GetProperty("objective").GetString());
        Assert.Matches("trained parameters +│ unknown +│ unknown", table);
        await RefusedAsync("has no exports/final to score", _small.In("run"), bare, "--data", _small.In("rows.jsonl"));
    }

    [Fact]
    public async Task What_cannot_be_compared_is_refused_by_name()
    {
        string one = Run("one", OneStep), other = Run("other", OneStep), page = _small.In("page.html");
        await RefusedAsync($"{one}\n       is named twice", one, one + "/", "--to", page);
        Directory.CreateSymbolicLink(_small.In("link"), one);
        await RefusedAsync($"{_small.In("link")}\n       is named twice", one, _small.In("link"), "--to", page);
        await RefusedAsync($"{_small.In("none")}\n       there is no such directory", one, _small.In("none"), "--to", page);
        await RefusedAsync($"{_small.In("cache")}\n       is not a run", one, Directory.CreateDirectory(_small.In("cache")).FullName, "--to", page);
        await RefusedAsync("is a run that has committed no step", one, Run("begun", ""), "--to", page);
        Run("demo/sft", OneStep);
        await RefusedAsync($"{_small.In("demo")}\n       is not one run", one, _small.In("demo"), "--to", page);
        await RefusedAsync("is one run too many", one, other, Run("three", OneStep), Run("four", OneStep), Run("five", OneStep), "--to", page);
        await RefusedAsync("is a directory", one, other, "--to", _small.In("cache"));
        await RefusedAsync("--to", one, "--to", page);
        await RefusedAsync("--data", one, "--data", page);
        await RefusedAsync("--skip-long\n       is for scores", one, other, "--skip-long", "--to", page);
        await RefusedAsync("--max-tokens", one, other, "--to", page, "--data", _small.In("rows.jsonl"), "--max-tokens", "0");
        Assert.False(File.Exists(page));

        await RunAsync("report", one, other, "--to", page);
        Assert.True(File.Exists(page));
    }

    [Fact]
    public async Task Stages_of_a_demo_have_the_scores_that_are_kept_around_them()
    {
        string[] stages = [Run("demo/sft", OneStep), Run("demo/dpo", OneStep)];
        var notes = ReportNotes.Empty("demo") with
        {
            Scores = [Score("untrained", 0.125), Score("sft", 0.5), Score("dpo", 0.75)],
        };
        notes.Write(new RunDirectory(_small.In("demo")));
        var (result, table) = await RunAsync(["report", .. stages, "--to", _small.In("page.html")]);
        var scores = result.GetProperty("runs").EnumerateArray().Select(run => Assert.Single(run.GetProperty("scores").EnumerateArray()));
        Assert.Equal([0.5, 0.75], scores.Select(score => score.GetProperty("score").GetDouble()));
        Assert.Matches(@"exact match \(8 items\) +│ 50.0 % +│ 75.0 %", table);

        static ReportScore Score(string model, double value) => new(model, "exact_match", "", 8, value, ScoreUnit.Share);
    }

    [Fact]
    public void The_greatest_peak_of_a_rank_is_kept_and_the_greatest_of_all_ranks_is_told()
    {
        var run = new RunDirectory(Run("one", OneStep));
        Assert.Null(PeakMemory.Most(run));
        PeakMemory.Keep(run, 0);
        var own = PeakMemory.Most(run);
        Assert.InRange(own!.Value, 10L << 20, 1L << 40);
        File.WriteAllText(run.PeakMemoryOf(1), "{");
        Assert.Equal(own, PeakMemory.Most(run));
        File.WriteAllText(run.PeakMemoryOf(0), """{"peak_bytes":1099511627776}""");
        PeakMemory.Keep(run, 0);
        Assert.Equal(1L << 40, PeakMemory.Most(run));
        // A run that is gone stays gone.
        var gone = new RunDirectory(_small.In("gone"));
        PeakMemory.Keep(gone, 0);
        Assert.False(Directory.Exists(gone.Root));
    }
}
