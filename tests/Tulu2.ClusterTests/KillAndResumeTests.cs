using System.Security.Cryptography;
using System.Text.Json;
using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>The promise, with the process killed for real: whatever happens on the way, and on however many ranks, the end has the same bits.</summary>
public sealed class KillAndResumeTests(ITestOutputHelper log)
{
    private const int Steps = 24;

    [Theory]
    [InlineData("sft", "bf16")]
    [InlineData("dpo", "bf16", "{ rank: 8, dropout: 0.1, quantize: nf4 }")]
    public async Task A_killed_run_resumed_on_other_ranks_ends_with_the_bits_of_a_quiet_one(string objective, string precision, string lora = "")
    {
        using var small = await SmallRun.CreateAsync();
        // Its rows go round once and a half in an epoch, and a part of them is validated on between the checkpoints.
        var recipe = small.Recipe(objective, precision, Steps, checkpointEvery: 4, more: $"validation: {{ share: 0.1, every: 5, patience: 2 }}\n{(lora == "" ? "" : $"lora: {lora}")}", weight: "1.5");
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--set", "parallel.data=1");
        var expected = quiet.GetProperty("parameters_sha256").GetString();

        var random = TestSeed.Random(log);
        var run = small.Folder("killed");
        var first = true;
        for (var kills = 0; kills < 3; kills++)
        {
            var ranks = random.Next(1, 5);
            var at = (kills * Steps / 3) + random.Next(1, Steps / 3);
            log.WriteLine($"kill {kills} at step {at} on {ranks} ranks");
            using var process = TuluProcess.Start(small.Cache, ["train", recipe, "--run", run, "--set", $"parallel.data={ranks}", .. first ? Array.Empty<string>() : ["--resume"]]);
            Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), at, TimeSpan.FromMinutes(2)), process.Output + process.Errors);
            process.Kill();
            first = false;
        }
        var resumed = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", run, "--resume", "--set", $"parallel.data={random.Next(1, 5)}");

        Assert.Equal(expected, resumed.GetProperty("parameters_sha256").GetString());
        Assert.Equal(Losses(small.Folder("quiet")), Losses(run));
        Assert.Equal(Validations(small.Folder("quiet")), Validations(run));
        Assert.Equal(WeightsOfBest(small.Folder("quiet")), WeightsOfBest(run));
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", run);
        Assert.True(code == 0, output + errors);
    }

    private static string[] Validations(string run) =>
        [.. File.ReadLines(Path.Combine(run, "validation.jsonl")).Select(line => line[..line.IndexOf(",\"seconds\"", StringComparison.Ordinal)])];

    private static string WeightsOfBest(string run) =>
        Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Directory.GetFiles(Path.Combine(run, "exports", "best"), "*.safetensors").Single())));

    private static string[] Losses(string run) =>
        [.. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(line =>
        {
            var step = JsonDocument.Parse(line).RootElement;
            return $"{step.GetProperty("step")} {step.GetProperty("loss").GetRawText()} {step.GetProperty("grad_norm").GetRawText()}";
        })];
}
