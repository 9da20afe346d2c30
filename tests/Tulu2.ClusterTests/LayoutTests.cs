using System.Text.Json;
using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>Ranks in every kind of place, each a worker process of its own: one result.</summary>
public sealed class LayoutTests(ITestOutputHelper log)
{
    private static readonly (string Objective, string Precision)[] Runs = [("sft", "fp32"), ("sft", "bf16"), ("dpo", "fp32"), ("dpo", "bf16")];

    // (data, tensor, pipeline, zero), over the four kinds of run in turn.
    private static readonly (int Data, int Tensor, int Pipeline, int Zero)[] Layouts =
    [
        (1, 2, 1, 1), (1, 1, 2, 1), (2, 1, 1, 2), (1, 4, 1, 1),
        (1, 2, 2, 1), (2, 1, 2, 2), (3, 2, 1, 1), (4, 1, 2, 2),
    ];

    [Fact]
    public async Task Every_kind_of_layout_ends_with_the_parameters_of_one_rank()
    {
        using var small = await SmallRun.CreateAsync();
        var alone = new Dictionary<int, string>();
        for (var index = 0; index < Layouts.Length; index++)
        {
            var kind = index % Runs.Length;
            if (!alone.TryGetValue(kind, out var expected)) alone.Add(kind, expected = await TrainAsync(small, kind, "alone", "--in-process", "--set", "parallel.data=1"));
            var (data, tensor, pipeline, zero) = Layouts[index];
            // Both ways: of the layouts with tensor-parallel ranks some keep whole rows.
            var split = tensor > 1 && (data > 1 || pipeline > 1);
            var name = $"{data}x{tensor}x{pipeline} zero {zero}{(split ? " split" : "")}";
            var hash = await TrainAsync(small, kind, name.Replace(' ', '-'), [
                "--set", $"parallel.data={data}", "--set", $"parallel.tensor={tensor}", "--set", $"parallel.pipeline={pipeline}", "--set", $"parallel.zero={zero}",
                "--set", $"parallel.split_activations={(split ? "true" : "false")}", "--set", $"parallel.overlap={(data % 2 == 0 ? "true" : "false")}"]);
            log.WriteLine($"{Runs[kind]} {name}: {hash}");
            Assert.True(expected == hash, $"{Runs[kind]} on {name} ended with {hash}, one rank with {expected}");
        }
    }

    [Fact]
    public async Task Workers_of_a_layout_without_twins_that_are_killed_cost_no_step_and_another_layout_takes_the_run_over()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("dpo", "fp32", steps: 60, checkpointEvery: 45, preset: "demo");
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");

        var (run, random) = (small.Folder("run"), TestSeed.Random(log));
        using (var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=1", "--set", "parallel.tensor=2", "--set", "parallel.pipeline=2",
            "--set", "parallel.split_activations=true", "--set", "parallel.spares=1"))
        {
            foreach (var at in (int[])[8, 20, 32])
            {
                Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), at, TimeSpan.FromMinutes(3)), process.Output + process.Errors);
                var workers = Children.Of(process.Id, "worker");
                // A spare may be among them.
                Assert.InRange(workers.Length, 4, 5);
                Children.Send(workers[random.Next(workers.Length)], Children.SignalKill);
            }
            Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 50, TimeSpan.FromMinutes(3)), process.Output + process.Errors);
            process.Kill();
        }
        Assert.Contains(" 0 replayed", await VerifyAsync(small, run), StringComparison.Ordinal);
        var resumed = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", run, "--resume", "--set", "parallel.data=2", "--set", "parallel.zero=2");

        Assert.Equal(Hash(quiet), Hash(resumed));
        await VerifyAsync(small, run);
    }

    private static async Task<string> VerifyAsync(SmallRun small, string run)
    {
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", run);
        Assert.True(code == 0, output + errors);
        return output;
    }

    private static async Task<string> TrainAsync(SmallRun small, int kind, string name, params string[] arguments)
    {
        var (objective, precision) = Runs[kind];
        var recipe = small.Recipe(objective, precision, steps: 20, checkpointEvery: 0, preset: "demo");
        return Hash(await TuluProcess.RunJsonAsync(small.Cache, ["train", recipe, "--run", small.Folder($"{objective}-{precision}-{name}"), .. arguments]));
    }

    private static string Hash(JsonElement result) => result.GetProperty("parameters_sha256").GetString()!;
}
