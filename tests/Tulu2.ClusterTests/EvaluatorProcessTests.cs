using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>Evaluators are processes: one that dies costs no item, and no node and no coordinator loads libtorch.</summary>
public sealed class EvaluatorProcessTests(ITestOutputHelper log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData(Children.SignalKill)]
    [InlineData(Children.SignalCrash)]
    public async Task A_dead_evaluator_is_replaced_and_the_score_is_the_same(int signal)
    {
        using var small = await SmallRun.CreateAsync(rows: 600);
        var model = await TrainAsync(small);
        var whole = await TuluProcess.RunJsonAsync(small.Cache, "eval", "rows", "--model", model, "--data", small.Folder("rows.jsonl"), "--in-process");

        using var process = TuluProcess.Start(small.Cache, "eval", "rows", "--model", model, "--data", small.Folder("rows.jsonl"), "--evaluators", "2", "--json");
        var evaluators = Array.Empty<int>();
        Assert.True(await Children.WaitAsync(() => (evaluators = Children.Of(process.Id, "evaluator")).Length == 2, Patience), process.Errors);
        Children.Send(evaluators[0], signal);
        Assert.True(await Children.WaitAsync(() => !Children.IsAlive(evaluators[0]), Patience));
        Assert.Equal(0, await process.WaitForExitAsync(Patience));

        log.WriteLine(process.Errors);
        Assert.Contains($"was killed by signal {signal} (", process.Errors, StringComparison.Ordinal);
        Assert.Equal(whole.GetRawText(), process.LastJson().GetRawText());
    }

    [Fact]
    public async Task No_coordinator_loads_libtorch()
    {
        using var small = await SmallRun.CreateAsync();
        var seen = Directory.CreateDirectory(small.Folder("seen")).FullName;
        var recipe = small.Recipe("sft", "fp32", 4, checkpointEvery: 2);
        await RunAsync("train", recipe, "--run", small.Folder("one"), "--set", "parallel.data=2");
        await RunAsync("eval", "rows", "--model", small.Folder("one/exports/final"), "--data", small.Folder("rows.jsonl"));
        await RunAsync("eval", "rows", "--model", small.Folder("one/exports/final"), "--data", small.Folder("pairs.jsonl"));

        var processes = Directory.GetFiles(seen).Select(file => File.ReadAllLines(file)).Select(lines => (Command: lines[0], Libtorch: lines[1] == "True")).ToList();
        foreach (var (command, libtorch) in processes) log.WriteLine($"{command}: {libtorch}");
        Assert.Subset(processes.Select(process => process.Command).ToHashSet(), new HashSet<string> { "train", "coordinator", "eval", "worker", "evaluator" });
        Assert.Equal(["evaluator", "worker"], processes.Where(process => process.Libtorch).Select(process => process.Command).Distinct().Order());

        async Task RunAsync(params string[] arguments)
        {
            string[] environment = ["env", $"DOTNET_STARTUP_HOOKS={typeof(EvaluatorProcessTests).Assembly.Location}", $"{StartupHook.LibraryFolder}={seen}"];
            using var process = TuluProcess.StartUnder(environment, small.Cache, arguments);
            Assert.True(await process.WaitForExitAsync(Patience) == 0, process.Output + process.Errors);
        }
    }

    [Fact]
    public async Task No_node_loads_libtorch()
    {
        using var small = await SmallRun.CreateAsync();
        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", small.Recipe("sft", "fp32", 4000, checkpointEvery: 0), "--run", run, "--set", "parallel.data=2", "--nodes", "1");
        Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 2, Patience), process.Output + process.Errors);
        var node = Assert.Single(Children.Of(process.Id, "node"));
        Assert.DoesNotContain("libtorch", File.ReadAllText($"/proc/{node}/maps"), StringComparison.OrdinalIgnoreCase);
        Assert.All(Children.Of(node, "worker"), worker => Assert.Contains("libtorch", File.ReadAllText($"/proc/{worker}/maps"), StringComparison.OrdinalIgnoreCase));
        process.KillAlone();
    }

    private static async Task<string> TrainAsync(SmallRun small)
    {
        await TuluProcess.RunJsonAsync(small.Cache, "train", small.Recipe("sft", "fp32", 4, checkpointEvery: 0), "--run", small.Folder("run"), "--set", "parallel.data=1");
        return small.Folder("run/exports/final");
    }
}
