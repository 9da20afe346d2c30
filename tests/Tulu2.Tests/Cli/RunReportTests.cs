using System.Net;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>What a person reads of a run: the lines before its first step, those at its end, and the page.</summary>
public sealed class RunReportTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    private static async Task<(string Output, string Errors)> TrainAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", ["train", "--in-process", .. arguments]);
        Assert.True(code == ExitCode.Done, output + errors);
        return (output, errors);
    }

    [Fact]
    public async Task A_resumed_run_is_called_by_its_directory_and_its_page_tells_of_every_session()
    {
        var run = _small.In("mine");
        var (output, errors) = await TrainAsync(_small.Recipe(), "--run", run + "/", "--set", "data.max_length=200");
        string[] banner = ["mine: SFT of tiny", "  steps       4, 5 an epoch: 0.8 epochs", "  a step      8 rows, about ", "  ranks       2 threads: 2x1x1 (data x tensor x pipeline)", $"  run         {run}\n"];
        Assert.All(banner, line => Assert.Contains(line, errors));
        Assert.True(errors.IndexOf(banner[0], StringComparison.Ordinal) < errors.IndexOf("mine 4/4", StringComparison.Ordinal), "the banner comes before the first step");
        // Whatever is there to be copied stands on one line, whole.
        Assert.Contains($"report      {run}/report.html\n", output);
        Assert.Contains($" chat --model {run}/exports/final\n", output);
        Assert.Matches("\nparameters  [0-9a-f]{64}\n", output);

        File.Delete(Directory.GetFiles(Path.Combine(run, "checkpoints", "manifests")).Order().Last());
        await TrainAsync(Path.Combine(run, "recipe.yaml"), "--run", run, "--resume");
        var page = WebUtility.HtmlDecode(File.ReadAllText(Path.Combine(run, "report.html"))).Replace("<wbr>", "", StringComparison.Ordinal);
        Assert.Contains("<h1>mine</h1>", page);
        Assert.Contains(" in 2 sessions; ", page);
        Assert.Contains("""<th scope="row" class="short">mine 2</th>""", page);
        Assert.Contains("""<td data-label="Steps" class="short">3 to 4</td>""", page);
        Assert.Contains("""optimizer.learning_rate</th><td data-label="mine" class="short">0.01</td>""", page);
        Assert.DoesNotContain("dpo.beta</th>", page);
        Assert.Contains(_small.In("rows.jsonl") + "</th>", page);
        Assert.Matches($"""host</th><td data-label="mine"[^>]*>{Environment.MachineName}</td>""", page);
        Assert.Contains("""<th scope="row" class="short">tulu2</th>""", page);
        Assert.Contains("training rows, which the model has seen", page);
        Assert.DoesNotContain("started</th>", page);
    }

    [Fact]
    public async Task Bad_rows_are_listed_to_the_same_number_by_every_command()
    {
        File.WriteAllLines(_small.In("bad.jsonl"), [.. Enumerable.Repeat("nonsense", 30), .. File.ReadLines(_small.In("rows.jsonl"))]);
        var (_, train) = await TrainAsync(_small.Recipe(data: "bad.jsonl"), "--set", "data.bad_rows=skip", "--set", "steps=1", "--run", _small.In("run"));
        var (code, _, stats) = await CommandLineTests.RunAsync("", "data", "stats", _small.In("bad.jsonl"), "--tokenizer", _small.In("tokenizer"),
            "--cache", _small.In("cache"), "--left-out", _small.In("list.txt"));
        Assert.Equal(ExitCode.Done, code);
        var (_, _, learned) = await CommandLineTests.RunAsync("", "tokenizer", "train", _small.In("bad.jsonl"), "--vocabulary", "300", "--to", _small.In("learned"));
        foreach (var said in new[] { train, stats, learned })
        {
            Assert.Equal(20, said.Split('\n').Count(line => line.Contains("left out: ", StringComparison.Ordinal) && line.Contains("bad.jsonl:", StringComparison.Ordinal)));
            Assert.Contains("left out: 10 more rows", said);
        }
        Assert.Equal(30, File.ReadAllLines(_small.In("list.txt")).Length);
    }

    [Fact]
    public async Task A_row_is_shown_as_it_is_however_long_its_lines_are()
    {
        var words = string.Join(' ', Enumerable.Range(1, 1200));
        File.WriteAllText(_small.In("long.jsonl"), SmallTraining.Row("Count.", words) + "\n");
        var (code, output, errors) = await CommandLineTests.RunAsync("", "data", "inspect", _small.In("long.jsonl"), "--tokenizer", _small.In("tokenizer"));
        Assert.True(code == ExitCode.Done, errors);
        Assert.Contains(words, output);
    }
}
