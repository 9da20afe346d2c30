using System.Text.Json.Nodes;
using Tulu2.Evaluation.Provenance;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>From the data of a run through its exports to an evaluation that withholds a score.</summary>
public sealed class WithheldScoreTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    [Fact]
    public async Task TruthfulQA_is_withheld_after_a_training_on_UltraFeedback_and_not_before()
    {
        File.Copy(_small.In("pairs.jsonl"), _small.In("ultrafeedback.jsonl"));
        var tasks = Directory.CreateDirectory(_small.In("tasks/truthfulqa")).FullName;
        File.WriteAllText(Path.Combine(tasks, "TruthfulQA.csv"), "Question,Best Answer,Correct Answers,Incorrect Answers\nWhy?,Yes,Yes; So,No\n");
        await DoneAsync("train", _small.Recipe(), "--run", _small.In("sft"), "--in-process");
        await DoneAsync("train", _small.Recipe("dpo", "{ path: sft/exports/final }", data: "ultrafeedback.jsonl"), "--run", _small.In("dpo"), "--in-process");
        var (before, after) = (_small.In("sft/exports/final"), _small.In("dpo/exports/final"));
        Assert.Equal(["sft", "dpo"], ProvenanceFile.Of(after).Stages.Select(stage => stage.Objective));
        Assert.Equal("ultrafeedback.jsonl", Path.GetFileName(Assert.Single(ProvenanceFile.Of(after).Stages[1].Data).Name));

        Assert.Contains("mc2", $"{await ResultAsync(before)}");
        var withheld = await ResultAsync(after);
        Assert.Null(withheld["score"]);
        Assert.Contains("UltraFeedback", (string)withheld["withheld"]!);
        Assert.Contains("dpo on", (string)withheld["withheld"]!);
        // It is there the second time, and its quantised form remembers.
        Assert.Equal($"{withheld}", $"{await ResultAsync(after)}");
        await DoneAsync("quantize", "--model", after, "--to", _small.In("nf4"));
        Assert.Contains("UltraFeedback", (string)(await ResultAsync(_small.In("nf4")))["withheld"]!);
    }

    private async Task<JsonNode> ResultAsync(string model)
    {
        var line = await DoneAsync(
            "eval", "truthfulqa_mc", "--model", model, "--data", _small.In("tasks"), "--shots", "0", "--in-process", "--json", "--out", $"{model}-scores");
        return JsonNode.Parse(line)!["results"]![0]!;
    }

    private static async Task<string> DoneAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", arguments);
        Assert.True(code == ExitCode.Done, errors);
        return output;
    }
}
