using System.Text.Json;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;
using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary><c>report</c> and <c>leaderboard</c> on folders that <c>eval --out</c> wrote and on runs that were evaluated.</summary>
public sealed class EvaluationReportTests : IDisposable
{
    private const string OneStep = """{"step":1,"loss":2.5,"learning_rate":0.1,"grad_norm":1,"tokens":1200,"loss_tokens":600,"seconds":0.5}""";

    private static readonly IBenchmark Benchmark = BenchmarkCatalogue.Named("exact_match");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("reports");

    public void Dispose() => _folder.Delete(recursive: true);

    private string In(params string[] names) => Path.Combine([_folder.FullName, .. names]);

    private string Write(string path, string model, int right, int? step = null)
    {
        ItemScore[] scores = [.. Enumerable.Range(0, 40).Select(i => new ItemScore($"{i}", "", i < right ? 1 : 0) { Sample = new EvaluationSample($"p{i}", "e", "o", i < right) })];
        new ResultFolder(path).Write(TaskResult.Of(Benchmark, model, new BenchmarkOptions(), new Dictionary<string, string>(), scores) with { Step = step }, scores);
        return path;
    }

    private static async Task<(JsonElement Result, string Errors)> RunAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", [.. arguments, "--json"]);
        Assert.True(code == ExitCode.Done, output + errors);
        return (JsonDocument.Parse(output).RootElement, errors);
    }

    private static async Task RefusedAsync(string what, params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", arguments);
        Assert.True(code == ExitCode.BadInput, output + errors);
        Assert.Contains(what, errors);
        Assert.Contains("\n  fix: ", errors);
    }

    [Fact]
    public async Task Result_folders_become_a_page_tables_markdown_and_json()
    {
        string sft = Write(In("sft"), "sft", 20), dpo = Write(In("dpo"), "dpo", 30), page = In("page.html"), markdown = In("page.md");
        var (result, text) = await RunAsync("report", sft, dpo, "--html", page, "--markdown", markdown, "--resamples", "200");
        Assert.Equal((page, markdown), (result.GetProperty("report").GetString(), result.GetProperty("markdown").GetString()));
        var comparison = result.GetProperty("evaluation").GetProperty("comparisons")[0];
        Assert.Equal("dpo_against_sft", comparison.GetProperty("relation").GetString());
        var task = comparison.GetProperty("tasks")[0];
        Assert.Equal((25, 40), (task.GetProperty("difference").GetProperty("value").GetDouble(), task.GetProperty("items").GetInt32()));
        // Ten items that only the second has right.
        Assert.Equal(2.0 / 1024, task.GetProperty("p").GetDouble(), 1e-12);
        Assert.Contains("dpo against sft", text);
        Assert.Contains("McNemar, exact", text);
        Assert.Contains("dpo: right", File.ReadAllText(page));
        Assert.Contains("## dpo against sft", File.ReadAllText(markdown));
        // Numbers are the same again.
        var (again, _) = await RunAsync("report", sft, dpo, "--html", page, "--markdown", markdown, "--resamples", "200");
        Assert.Equal(result.GetRawText(), again.GetRawText());
    }

    [Fact]
    public async Task A_run_has_its_evaluations_in_its_page_with_every_checkpoint()
    {
        Directory.CreateDirectory(In("run"));
        File.WriteAllText(In("run", "metrics.jsonl"), OneStep);
        Write(In("run", "evaluations", "step-00000200"), "run", 25, 200);
        Write(In("run", "evaluations", "step-00000100"), "run", 10, 100);
        Write(In("run", "evaluations", "final"), "run", 30);
        var (result, _) = await RunAsync("report", In("run"));
        var model = Assert.Single(result.GetProperty("evaluation").GetProperty("models").EnumerateArray());
        Assert.Equal(0.75, model.GetProperty("tasks")[0].GetProperty("score").GetDouble());
        var points = result.GetProperty("evaluation").GetProperty("checkpoints")[0].GetProperty("points").EnumerateArray();
        Assert.Equal([(100, 25.0), (200, 62.5)], points.Select(point => (point.GetProperty("step").GetInt32(), point.GetProperty("value").GetDouble())));
        var page = File.ReadAllText(In("run", "report.html"));
        Assert.Contains("<h2 id=\"over-checkpoints\">", page);
        Assert.Contains("<h2 id=\"stages\">", page);

        // Without a final model the newest checkpoint stands for the run; runs are put side by side in curves and scores.
        Directory.Delete(In("run", "evaluations", "final"), recursive: true);
        Directory.CreateDirectory(In("other"));
        File.WriteAllText(In("other", "metrics.jsonl"), OneStep);
        Write(In("other", "evaluations", "step-00000100"), "other", 20, 100);
        var (both, _) = await RunAsync("report", In("run"), In("other"), "--to", In("both.html"));
        Assert.Equal([0.625, 0.5], both.GetProperty("evaluation").GetProperty("models").EnumerateArray().Select(one => one.GetProperty("tasks")[0].GetProperty("score").GetDouble()));
        Assert.Equal(2, both.GetProperty("runs").GetArrayLength());
        Assert.Contains("<h2 id=\"pair-1\">", File.ReadAllText(In("both.html")));
    }

    [Fact]
    public async Task A_leaderboard_takes_a_directory_of_folders_and_names()
    {
        Write(In("all", "a"), "model", 10);
        Write(In("all", "b"), "model", 35);
        var (result, text) = await RunAsync("leaderboard", In("all"), "--html", In("board.html"), "--markdown", In("board.md"));
        var models = result.GetProperty("leaderboard").GetProperty("models").EnumerateArray().ToList();
        Assert.Equal(["model (b)", "model (a)"], models.Select(model => model.GetProperty("name").GetString()));
        Assert.Equal([1, 2], models.Select(model => model.GetProperty("best").GetInt32()));
        Assert.Contains("model (b)", text);
        Assert.Contains("sortable", File.ReadAllText(In("board.html")));
        Assert.Contains("# Leaderboard", File.ReadAllText(In("board.md")));
        var (named, _) = await RunAsync("leaderboard", In("all"), "--name", "first", "--name", "second");
        Assert.Equal("second", named.GetProperty("leaderboard").GetProperty("models")[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task What_cannot_be_reported_is_refused_by_name()
    {
        var one = Write(In("one"), "one", 20);
        await RefusedAsync("there is no such directory", "leaderboard", In("none"));
        await RefusedAsync("has no result of an evaluation", "leaderboard", Directory.CreateDirectory(In("empty")).FullName);
        await RefusedAsync("is named twice", "report", one, one + "/");
        await RefusedAsync("2 names for 1 model: one", "report", one, "--name", "a", "--name", "b");
        await RefusedAsync("--resamples", "report", one, "--resamples", "10");
        await RefusedAsync("--items", "report", one, "--items", "-1");
        await RefusedAsync("--data", "report", one, "--data", In("rows.jsonl"));
        await RefusedAsync("name the same page", "report", one, "--to", In("a.html"), "--html", In("b.html"));
        File.WriteAllText(In("one", "exact_match", "items.jsonl"), "{");
        await RefusedAsync("items.jsonl:1", "report", one);
    }
}
