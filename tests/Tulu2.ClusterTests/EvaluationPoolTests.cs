using System.Globalization;
using System.Text.Json;
using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>Evaluators score the checkpoints of a run while it trains, and may join, leave and be killed at any time.</summary>
public sealed class EvaluationPoolTests(ITestOutputHelper log)
{
    private const int Rows = 96;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);
    private static int _port = 45000 + Environment.ProcessId % 10000;

    /// <summary>How often evaluators join, leave or are killed: <c>TULU2_EVALUATOR_CHANGES</c>, a few by default.</summary>
    private static int Changes => int.TryParse(Environment.GetEnvironmentVariable("TULU2_EVALUATOR_CHANGES"), out var changes) ? changes : 6;

    private static string Evaluation(int evaluators) =>
        $"evaluation: {{ quick: [exact_match], every: 20, full: [preference], rows: {{ exact_match: rows.jsonl, preference: pairs.jsonl }}, metric: exact_match, evaluators: {evaluators} }}";

    [Fact]
    public async Task Killed_evaluators_cost_no_item_and_the_run_has_the_bits_of_one_without_evaluation()
    {
        using var small = await SmallRun.CreateAsync(Rows);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", small.Recipe("sft", "fp32", 60, 20), "--run", small.Folder("quiet"), "--set", "parallel.data=2");
        var run = small.Folder("run");
        using var process = TuluProcess.Start(
            small.Cache, "train", small.Recipe("sft", "fp32", 60, 20, more: Evaluation(2)), "--run", run, "--set", "parallel.data=2", "--json");
        var random = TestSeed.Random(log);
        for (var killed = 0; killed < 3; killed++)
        {
            var evaluators = Array.Empty<int>();
            Assert.True(await Children.WaitAsync(() => (evaluators = Children.Of(process.Id, "evaluator")).Length > 0, Patience), process.Errors);
            var victim = evaluators[random.Next(evaluators.Length)];
            Children.Send(victim, Children.SignalKill);
            Assert.True(await Children.WaitAsync(() => !Children.IsAlive(victim), Patience));
        }
        Assert.True(await process.WaitForExitAsync(Patience) == 0, process.Output + process.Errors);
        log.WriteLine(process.Errors);

        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), process.LastJson().GetProperty("parameters_sha256").GetString());
        ExpectWhole(run, lastStep: 60);
        Assert.Contains("was killed by signal 9", process.Errors, StringComparison.Ordinal);
        Assert.True(Directory.Exists(Path.Combine(run, "exports", "best")));
        // As `eval` scores the export of the same checkpoint.
        var last = await TuluProcess.RunJsonAsync(small.Cache, "eval", "rows", "--model", Path.Combine(run, "exports", "final"), "--data", small.Folder("rows.jsonl"), "--evaluators", "1");
        Assert.Equal(last.GetProperty("score").GetDouble(), ScoreOf(run, 60, "exact_match"));
    }

    [Fact]
    public async Task A_killed_coordinator_leaves_its_evaluation_to_the_one_that_resumes()
    {
        using var small = await SmallRun.CreateAsync(Rows);
        var (run, recipe) = (small.Folder("run"), small.Recipe("sft", "fp32", 40, 20, more: Evaluation(1)));
        using (var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=1"))
        {
            Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 40, Patience), process.Output + process.Errors);
            Assert.True(await Children.WaitAsync(() => Kept(run) > 0, Patience), process.Errors);
            process.Kill();
        }
        var before = Kept(run);
        var resumed = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=1", "--resume");
        Assert.Equal(40, resumed.GetProperty("steps").GetInt32());
        ExpectWhole(run, lastStep: 40);
        log.WriteLine($"{before} items were kept before the kill");
    }

    [Fact]
    public async Task Evaluator_nodes_that_join_leave_and_are_killed_score_everything_once_and_take_no_time_from_the_steps()
    {
        using var small = await SmallRun.CreateAsync(Rows);
        // Windows of steps with and without evaluators take turns.
        var all = Changes * 200;
        using var undisturbed = TuluProcess.Start(small.Cache, "train", small.Recipe("sft", "fp32", all, 20), "--run", small.Folder("quiet"), "--set", "parallel.data=2", "--json");
        Assert.True(await undisturbed.WaitForExitAsync(2 * Patience) == 0, undisturbed.Errors);
        var quiet = undisturbed.LastJson();
        var port = Interlocked.Increment(ref _port);
        using var coordinator = Node(small, "coordinator", port, port, "coordinator\", \"trainer");
        var run = small.Folder("run");
        using var submit = TuluProcess.Start(small.Cache, "submit", small.Recipe("sft", "fp32", all, 20, more: Evaluation(1)), "--config", Config(small, "submit", 0, port, "x"),
            "--run", run, "--set", "parallel.data=2", "--json");
        Assert.True(await submit.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 2, Patience), submit.Output + submit.Errors + coordinator.Errors);

        var (random, spans, starts) = (TestSeed.Random(log), new List<(int From, int To)>(), new List<(int From, int To)>());
        // They read what is new only: whole files, two hundred times a second, would take a processor from the ranks that are measured.
        using LineTail steps = new(Path.Combine(run, "metrics.jsonl"), ""), scored = new(Directory.GetFiles(Path.Combine(run, "ledger"), "*.jsonl").Order().Last(), "evaluation_done");
        for (var change = 0; change < Changes; change++)
        {
            using var evaluator = Node(small, $"evaluator{change}", 0, port, "evaluator");
            var started = steps.Count();
            // Two processes start, which costs what it costs on any machine; then they yield.
            Assert.True(await Children.WaitAsync(() => Children.Of(evaluator.Id, "evaluator").Any(Children.IsIdle) || submit.HasExited || steps.Count() >= all, Patience), evaluator.Errors + submit.Errors);
            starts.Add((started, steps.Count()));
            var (began, kept, since) = (steps.Count(), scored.Count(), TimeProvider.System.GetTimestamp());
            // Some steps, and some work of it where the ranks leave it time for that.
            var (wanted, length) = (began + random.Next(10, 60), TimeSpan.FromSeconds(random.Next(1, 4)));
            Assert.True(await Children.WaitAsync(
                () => submit.HasExited || (steps.Count() >= Math.Min(wanted, all) && (scored.Count() > kept || TimeProvider.System.GetElapsedTime(since) > length)), Patience),
                evaluator.Errors + submit.Errors);
            spans.Add((began, steps.Count()));
            log.WriteLine($"evaluator {change}: steps {began} to {steps.Count()}, {scored.Count() - kept} pieces of work");
            switch (random.Next(3))
            {
                case 0:
                    Children.Send(evaluator.Id, Children.SignalTerminate);
                    break;
                case 1:
                    foreach (var child in Children.Of(evaluator.Id, "evaluator")) Children.Send(child, Children.SignalKill);
                    evaluator.KillAlone();
                    break;
                default:
                    evaluator.KillAlone();
                    break;
            }
            // As many steps without one.
            Assert.True(await Children.WaitAsync(() => steps.Count() >= Math.Min((2 * spans[^1].To) - spans[^1].From, all) || submit.HasExited, Patience), submit.Errors);
        }
        using var last = Node(small, "last", 0, port, "evaluator");
        Assert.True(await submit.WaitForExitAsync(2 * Patience) == 0, submit.Output + submit.Errors + coordinator.Errors + last.Errors);

        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), submit.LastJson().GetProperty("parameters_sha256").GetString());
        ExpectWhole(run, all);
        var seconds = File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("seconds").GetDouble()).ToList();
        log.WriteLine($"median step: {Median(Within(spans))} with evaluators, {Median(Within(starts))} while they start, {Median([.. seconds.Where((_, step) => step >= 2 && !IsIn(spans, step) && !IsIn(starts, step)).Order()])} without; {Kept(run)} items; load {File.ReadAllText("/proc/loadavg").Trim()}");

        List<double> Within(List<(int From, int To)> windows) => [.. seconds.Where((_, step) => IsIn(windows, step)).Order()];

        static bool IsIn(List<(int From, int To)> windows, int step) => windows.Exists(window => step >= window.From && step < window.To);

        static string Median(List<double> sorted) => sorted.Count == 0 ? "no step" : string.Create(CultureInfo.InvariantCulture, $"{sorted[sorted.Count / 2] * 1000:F1} ms in {sorted.Count} steps");
    }

    // Items that are durable, in journals and results.
    private static int Kept(string run)
    {
        try
        {
            return Directory.Exists(Path.Combine(run, "evaluations"))
                ? Directory.EnumerateFiles(Path.Combine(run, "evaluations"), "items*.jsonl", SearchOption.AllDirectories)
                    .Sum(file => Math.Max(0, File.ReadAllText(file).Count(character => character == '\n') - (file.EndsWith("partial.jsonl", StringComparison.Ordinal) ? 1 : 0)))
                : 0;
        }
        catch (IOException)
        {
            // A journal has just become a result.
            return 0;
        }
    }

    private static double ScoreOf(string run, int step, string benchmark) => JsonDocument.Parse(
        File.ReadAllText(Path.Combine(run, "evaluations", $"step-{step:D8}", benchmark, "result.json"))).RootElement.GetProperty("score").GetDouble();

    // Every checkpoint that was planned is scored on all of its benchmarks, each item once, and the ledger has each piece of work once.
    private static void ExpectWhole(string run, int lastStep)
    {
        var folders = Directory.GetDirectories(Path.Combine(run, "evaluations"), "step-*");
        Assert.Contains(folders, folder => folder.EndsWith($"step-{lastStep:D8}", StringComparison.Ordinal));
        var items = 0;
        foreach (var folder in folders)
        {
            var plan = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "plan.json"))).RootElement;
            foreach (var benchmark in plan.GetProperty("benchmarks").EnumerateArray().Select(name => name.GetString()!))
            {
                var ids = File.ReadLines(Path.Combine(folder, benchmark, "items.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("item").GetString()).ToList();
                Assert.Equal(Rows, ids.Count);
                Assert.Equal(Rows, ids.Distinct().Count());
                Assert.Equal(Rows, JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, benchmark, "result.json"))).RootElement.GetProperty("items").GetInt32());
                Assert.False(File.Exists(Path.Combine(folder, benchmark, "items.partial.jsonl")));
                items += ids.Count;
            }
        }
        Assert.Equal(items, Kept(run));
        var done = Directory.EnumerateFiles(Path.Combine(run, "ledger"), "*.jsonl").SelectMany(File.ReadLines)
            .Where(line => line.Contains("evaluation_done", StringComparison.Ordinal)).Select(line => line.Split("\"task\":\"")[1].Split('"')[0]).ToList();
        Assert.NotEmpty(done);
        Assert.Equal(done.Count, done.Distinct().Count());
    }

    private static TuluProcess Node(SmallRun small, string name, int port, int seed, string role) =>
        TuluProcess.StartUnder(OnCore(role), small.Cache, "node", "--config", Config(small, name, port, seed, role));

    // With TULU2_EVALUATOR_CORES=1 evaluators and ranks have a processor each, as if they were on machines of their own.
    private static string[] OnCore(string role) =>
        Environment.GetEnvironmentVariable("TULU2_EVALUATOR_CORES") == "1" ? ["taskset", "--cpu-list", role == "evaluator" ? "1" : "0"] : [];

    private static string Config(SmallRun small, string name, int port, int seed, string role)
    {
        var path = small.Folder($"{name}.conf");
        File.WriteAllText(path, $$"""
            akka.cluster.roles = ["{{role}}"]
            akka.cluster.seed-nodes = ["akka.tcp://tulu2@127.0.0.1:{{seed}}"]
            akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = {{port}} }
            tulu2.node.places = 2
            """);
        return path;
    }
}
