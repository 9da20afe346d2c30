using System.Text.Json;
using Tulu2.Evaluation.Results;
using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Cli;

public sealed class ScoreCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tulu2-score-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Alpaca_eval_says_what_its_users_report()
    {
        var verdicts = Write("annotations.json", """
            [{"instruction": "a", "output_1": "r", "output_2": "1234", "dataset": "koala", "generator_2": "m", "annotator": "alpaca_eval_gpt4", "preference": 2.0},
             {"instruction": "b", "output_1": "r", "output_2": "12", "dataset": "koala", "generator_2": "m", "annotator": "alpaca_eval_gpt4", "preference": 1},
             {"instruction": "c", "output_1": "r", "output_2": "12", "dataset": "vicuna", "generator_2": "m", "annotator": "alpaca_eval_gpt4", "preference": 0},
             {"instruction": "d", "output_1": "r", "output_2": "1234", "dataset": "vicuna", "generator_2": "m", "annotator": "alpaca_eval_gpt4", "preference": null}]
            """);
        var (code, output, errors) = await CommandLineTests.RunAsync("", "score", "alpaca_eval", "--verdicts", verdicts, "--out", Path.Combine(_folder, "out"), "--json");
        Assert.True(code == ExitCode.Done, errors);
        var line = JsonDocument.Parse(output.Trim().Split('\n')[^1]).RootElement;
        Assert.Equal("alpaca_eval", line.GetProperty("task").GetString());
        Assert.Equal(0.5, line.GetProperty("score").GetDouble());
        Assert.Equal(3, line.GetProperty("items").GetInt32());
        Assert.Equal((50, 1, 1, 1, 1), (line.GetProperty("win_rate").GetDouble(), line.GetProperty("wins").GetInt32(), line.GetProperty("draws").GetInt32(), line.GetProperty("losses").GetInt32(), line.GetProperty("unparsed").GetInt32()));
        Assert.Equal(3, line.GetProperty("mean_length").GetDouble());
        Assert.Equal(Math.Sqrt(0.25 / 3), line.GetProperty("standard_error").GetDouble(), 12);
        Assert.Equal("stored:alpaca_eval_gpt4", line.GetProperty("judges").GetProperty("pairs").GetString());
        Assert.Equal(0.5, line.GetProperty("datasets").GetProperty("koala").GetDouble());
        Assert.Contains("win rate", errors);
        var written = new ResultFolder(Path.Combine(_folder, "out"));
        Assert.Equal((3, 4), (written.Read("alpaca_eval").Items, written.ReadItems("alpaca_eval").Count));
        Assert.Equal("stored:alpaca_eval_gpt4", written.Read("alpaca_eval").Judges["pairs"]);
    }

    [Fact]
    public async Task Mt_bench_is_scored_by_model_and_category()
    {
        var verdicts = Write("gpt-4_single.jsonl", """
            {"question_id": 81, "model": "a", "judge": ["gpt-4", "single-v1"], "judgment": "[[8]]", "score": "8", "turn": "1"}
            {"question_id": 81, "model": "a", "judge": ["gpt-4", "single-v1-multi-turn"], "judgment": "[[6]]", "score": "6", "turn": "2"}
            {"question_id": 111, "model": "a", "judge": ["gpt-4", "single-math-v1"], "judgment": "[[1]]", "score": "1", "turn": "1"}
            {"question_id": 111, "model": "a", "judge": ["gpt-4", "single-math-v1-multi-turn"], "judgment": "?", "score": "-1", "turn": "2"}
            {"question_id": 81, "model": "b", "judge": ["gpt-4", "single-v1"], "judgment": "[[3]]", "score": "3", "turn": "1"}
            """);
        var (code, output, errors) = await CommandLineTests.RunAsync("", "score", "mt_bench", "--verdicts", verdicts, "--model-id", "a", "--json");
        Assert.True(code == ExitCode.Done, errors);
        var line = JsonDocument.Parse(output.Trim().Split('\n')[^1]).RootElement;
        Assert.Equal((5, 4.5, 6, 1, 2), (line.GetProperty("score").GetDouble(), line.GetProperty("turn1").GetDouble(), line.GetProperty("turn2").GetDouble(), line.GetProperty("unparsed").GetInt32(), line.GetProperty("items").GetInt32()));
        Assert.Equal((7, 1), (line.GetProperty("categories").GetProperty("writing").GetDouble(), line.GetProperty("categories").GetProperty("math").GetDouble()));
    }

    [Fact]
    public async Task A_bad_file_ends_with_code_2_and_its_line()
    {
        var verdicts = Write("broken.json", "[{\"instruction\": \"a\", \"preference\": 2},\n{\"instruction\": \"b\", \"preference\": \"two\"}]");
        var (code, output, errors) = await CommandLineTests.RunAsync("", "score", "alpaca_eval", "--verdicts", verdicts);
        Assert.Equal((ExitCode.BadInput, ""), (code, output));
        Assert.Contains("broken.json:2", errors);
    }

    [Theory]
    [InlineData("give --outputs FILE", "alpaca_eval")]
    [InlineData("there is no such file", "alpaca_eval", "--verdicts", "/no/such/file")]
    [InlineData("is not a benchmark", "alpaca", "--outputs", "/dev/null")]
    [InlineData("is scored on rows", "exact_match", "--outputs", "/dev/null")]
    public async Task What_cannot_be_scored_is_said(string expected, params string[] arguments)
    {
        var (code, _, errors) = await CommandLineTests.RunAsync("", ["score", .. arguments]);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, errors);
    }

    /// <summary>Known answer 10 of the specification, as a user gets it.</summary>
    [SkippableFact]
    public async Task The_stored_verdicts_of_tulu_2_dpo_13b_give_what_was_published()
    {
        var verdicts = ReferenceData.Require("alpaca_eval", "tulu-2-dpo-13b_gpt4_annotations.json.gz");
        var outputs = ReferenceData.Require("alpaca_eval", "tulu-2-dpo-13b_outputs.json.gz");
        string[][] ways = [["--verdicts", verdicts], ["--verdicts", verdicts, "--outputs", outputs], ["--verdicts", verdicts, "--outputs", outputs, "--data", ReferenceData.Path()]];
        foreach (var way in ways)
        {
            var (code, output, errors) = await CommandLineTests.RunAsync("", ["score", "alpaca_eval", .. way, "--json"]);
            Assert.True(code == ExitCode.Done, errors);
            var line = JsonDocument.Parse(output.Trim().Split('\n')[^1]).RootElement;
            Assert.Equal(88.12189054726367, line.GetProperty("win_rate").GetDouble(), 9);
            Assert.Equal((804, 1, 3), (line.GetProperty("items").GetInt32(), line.GetProperty("unparsed").GetInt32(), line.GetProperty("draws").GetInt32()));
            Assert.Equal(1614.776397515528, line.GetProperty("mean_length").GetDouble(), 9);
        }
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
