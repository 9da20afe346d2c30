using System.Collections.Concurrent;
using System.Text.Json;
using Tulu2.ClusterTests.Processes;
using Tulu2.Data.Demo;
using Tulu2.Evaluation.Demo;
using Tulu2.Runs.Demo;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary><c>eval all</c> with a stub of a judge on loopback: killed, it repeats nothing that was finished, and its scores are those of an undisturbed one.</summary>
public sealed class EvaluationResumeTests(ITestOutputHelper log)
{
    // The first of all: others are left when it is done.
    private const string Judged = "alpaca_eval";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task A_killed_evaluation_of_all_benchmarks_repeats_no_finished_item()
    {
        using var small = await SmallRun.CreateAsync();
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "train", small.Recipe("sft", "fp32", 4, checkpointEvery: 0), "--run", small.Folder("one"));
        Assert.True(code == 0, output + errors);
        var answers = new DemoTasks(small.Folder("data"), new DemoDataOptions()).Write(16);
        var asked = new ConcurrentQueue<string>();
        await using var judge = await DemoJudge.StartAsync(new DemoVerdicts(answers), asked.Enqueue, CancellationToken.None);

        var whole = await TuluProcess.RunJsonAsync(small.Cache, Arguments("whole"));
        var once = asked.ToList();
        asked.Clear();
        string[] tasks = [.. whole.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("task").GetString()!)];
        Assert.Superset(new HashSet<string> { "alpaca_eval", "bbh", "gsm8k", "mmlu", "mt_bench", "toxigen", "truthfulqa", "truthfulqa_mc", "tydiqa" }, tasks.ToHashSet());

        using (var killed = TuluProcess.Start(small.Cache, [.. Arguments("cut"), "--json"]))
        {
            Assert.True(await Children.WaitAsync(() => File.Exists(Result(Judged)), Patience), killed.Errors);
            killed.Kill();
            await killed.WaitForExitAsync(Patience);
        }
        var (finished, asking) = (Finished(), asked.Count);
        var kept = finished.ToDictionary(task => task, task => File.GetLastWriteTimeUtc(Result(task)));
        Assert.True(finished.Length < tasks.Length, "it had ended before it was killed");

        // With verdicts kept elsewhere, so that none of the first start hides a question asked twice.
        using var again = TuluProcess.Start(small.Cache, [.. Arguments("cut"), "--judge-cache", small.Folder("verdicts"), "--json"]);
        Assert.True(await again.WaitForExitAsync(Patience) == 0, again.Errors);
        log.WriteLine($"{finished.Length} of {tasks.Length} tasks were finished; {asking} questions to the judge before, {asked.Count - asking} after, {once.Count} undisturbed");
        foreach (var task in finished)
        {
            Assert.Contains($"{task} is scored already", again.Errors, StringComparison.Ordinal);
            Assert.Equal(kept[task], File.GetLastWriteTimeUtc(Result(task)));
        }
        Assert.Contains(once, IsOfJudged);
        Assert.DoesNotContain(asked.Skip(asking), IsOfJudged);
        Assert.Equal(Scores(whole), Scores(again.LastJson()));

        string[] Arguments(string folder) =>
        [
            "eval", "all", "--model", small.Folder("one/exports/final"), "--data", small.Folder("data"), "--out", small.Folder(folder), "--mode", "fixed", "--shots", "0", "--max-tokens", "12",
            "--evaluators", "2", .. judge.Roles.SelectMany(role => new[] { "--judge", $"{role.Key}={role.Value}" }),
        ];

        static bool IsOfJudged(string prompt) => prompt.Contains("\"instruction\"", StringComparison.Ordinal);

        string Result(string task) => Path.Combine(small.Folder("cut"), task, "result.json");

        string[] Finished() => [.. tasks.Where(task => File.Exists(Result(task)))];

        static IEnumerable<(string?, string)> Scores(JsonElement evaluation) => evaluation.GetProperty("results").EnumerateArray()
            .Select(result => (result.GetProperty("task").GetString(), result.GetProperty("score").GetRawText() + result.GetProperty("items").GetRawText())).ToList();
    }
}
