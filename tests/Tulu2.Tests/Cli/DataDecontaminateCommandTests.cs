using System.Text.Json.Nodes;
using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Cli;

public class DataDecontaminateCommandTests
{
    private const string Question = "A farmer has seventeen sheep and buys nine more of them at the market on Monday";

    [Fact]
    public async Task Overlap_is_told_as_tables_and_as_json_listed_in_a_report_and_removed()
    {
        using var folder = new Data.TemporaryFolder();
        var (rows, data) = Write(folder);
        var (code, table, errors) = await Run(rows, "--against", "gsm8k", "--data", data);
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("items touched", table);
        Assert.Contains("rows are read as messages", errors);

        var (again, output, _) = await Run(rows, "--against", "gsm8k", "--data", data, "--to", folder.File("kept"), "--report", folder.File("report.jsonl"), "--json", "--threads", "1");
        Assert.Equal(ExitCode.Done, again);
        var told = JsonNode.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
        Assert.Equal("3 2 1 0 1 13", $"{told["read"]} {told["kept"]} {told["removed"]} {told["bad"]} {told["touched"]} {told["ngram"]}");
        Assert.Equal("gsm8k 1 1 1", $"{told["benchmarks"]![0]!["name"]} {told["benchmarks"]![0]!["items"]} {told["benchmarks"]![0]!["items_touched"]} {told["benchmarks"]![0]!["rows_touched"]}");
        Assert.Equal(folder.File("kept/rows.jsonl.gz"), (string)told["files"]![0]!["to"]!);
        Assert.Equal(("math", 2), ((string)told["datasets"]![0]!["name"]!, (int)told["datasets"]![0]!["read"]!));
        var line = JsonNode.Parse(Assert.Single(File.ReadAllLines(folder.File("report.jsonl"))))!;
        Assert.Equal("2 math m2 1 user gsm8k 1 question 4",
            string.Join(' ', new[] { "line", "dataset", "id", "turn", "role", "benchmark", "item", "part", "ngrams" }.Select(key => line[key]!.ToString())));

        var (third, rest, _) = await Run(folder.File("kept"), "--against", "gsm8k", "--data", data, "--json");
        var left = JsonNode.Parse(rest.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
        Assert.Equal((ExitCode.Done, 2, 0), (third, (int)left["read"]!, (int)left["touched"]!));
    }

    [Fact]
    public async Task A_shorter_n_gram_finds_more_and_bad_rows_are_listed()
    {
        using var folder = new Data.TemporaryFolder();
        var (rows, data) = Write(folder);
        File.AppendAllText(rows, "{\"messages\": 5}\n");
        var (code, output, errors) = await Run(rows, "--against", "gsm8k", "--data", data, "--ngram", "3", "--turns", "user", "--part", "question,choice", "--bad-rows", "skip", "--json");
        Assert.Equal(ExitCode.Done, code);
        var told = JsonNode.Parse(output)!;
        Assert.Equal("4 2 1 3", $"{told["read"]} {told["touched"]} {told["bad"]} {told["kept"]}");
        Assert.Contains("cannot be used: ", errors);
        Assert.Contains("rows.jsonl:4: messages is a number", errors);
        Assert.DoesNotContain("left out", errors);
        var (_, _, copied) = await Run(rows, "--against", "gsm8k", "--data", data, "--bad-rows", "skip", "--to", folder.File("kept"));
        Assert.Contains("left out: ", copied);
    }

    [Theory]
    [InlineData("--against gsm8\n       there is no such benchmark\n  fix: did you mean 'gsm8k'? use some of alpaca_eval, bbh, gsm8k,", "--against", "gsm8")]
    [InlineData("--against\n       names no benchmark", "--against", ",")]
    [InlineData("--data\n       is needed to read the items of gsm8k", "--against", "gsm8k")]
    [InlineData("--data none\n       there is no such directory", "--against", "gsm8k", "--data", "none")]
    [InlineData("--part topic\n       is no part of an item\n  fix: use some of question, context, choice, answer", "--against", "gsm8k", "--part", "question,topic")]
    [InlineData("--ngram\n       0 is not between 1 and 100", "--against", "gsm8k", "--ngram", "0")]
    [InlineData("--threads\n       0 is below 1", "--against", "gsm8k", "--threads", "0")]
    public async Task What_cannot_be_used_is_bad_input(string block, params string[] arguments)
    {
        using var folder = new Data.TemporaryFolder();
        var (code, _, errors) = await Run([Write(folder).Rows, .. arguments]);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains($"error: {block}", errors);
    }

    [Fact]
    public async Task A_benchmarks_missing_file_is_named()
    {
        using var folder = new Data.TemporaryFolder();
        var (rows, data) = Write(folder);
        var (code, _, errors) = await Run(rows, "--against", "gsm8k,truthfulqa", "--data", data);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains($"error: {Path.Combine(data, "truthfulqa", "TruthfulQA.csv")}\n       no such file", errors);
    }

    // Recorded: 22 rows, found by another implementation of the rule too.
    [SkippableFact]
    public async Task The_reference_rows_overlap_with_the_nine_benchmarks_as_recorded()
    {
        var data = ReferenceData.Path();
        foreach (var benchmark in new[] { "alpaca_eval", "bbh", "gsm8k", "humaneval", "mmlu", "mt_bench", "toxigen", "truthfulqa", "tydiqa" }) ReferenceData.Require(benchmark);
        string[] rows =
        [
            ReferenceData.Require("tulu_v2_mix_sample", "sample_debug.jsonl.gz"), ReferenceData.Require("gpt4_alpaca", "alpaca_en_demo.json.gz"),
            ReferenceData.Require("code_alpaca", "code_alpaca_2k.json.gz"), ReferenceData.Require("ultrafeedback", "train_clean.jsonl.gz"),
        ];
        var (code, output, _) = await Run([.. rows, "--against", "all", "--data", data, "--json"]);
        Assert.Equal(ExitCode.Done, code);
        var told = JsonNode.Parse(output)!;
        Assert.Equal("4528 22 6", $"{told["read"]} {told["touched"]} {told["bad"]}");
        Assert.Equal(
            [
                "alpaca_eval 17 4 5 48079 6", "bbh 149 0 0 184991 0", "gsm8k 0 0 0 145517 0", "humaneval 0 6 8 12347 23", "mmlu 544 1 1 482406 2", "mt_bench 0 3 9 10529 18",
                "toxigen 0 0 0 109472 0", "truthfulqa 24 0 0 8405 0", "tydiqa 29 0 0 279433 0",
            ],
            told["benchmarks"]!.AsArray().Select(one => string.Join(' ', new[] { "name", "too_short", "items_touched", "rows_touched", "n_grams", "n_grams_shared" }.Select(key => one![key]))));
        Assert.Equal([2, 1, 11, 8], told["files"]!.AsArray().Select(file => (int)file!["touched"]!));
    }

    [SkippableFact]
    public async Task Every_item_of_gsm8k_that_stands_in_a_row_is_found()
    {
        ReferenceData.Require("gsm8k", "test.jsonl.gz");
        using var folder = new Data.TemporaryFolder();
        await using var packed = new System.IO.Compression.GZipStream(File.OpenRead(ReferenceData.Path("gsm8k", "test.jsonl.gz")), System.IO.Compression.CompressionMode.Decompress);
        using var reader = new StreamReader(packed);
        var rows = new List<string>();
        while (await reader.ReadLineAsync() is { } line)
        {
            var question = (string)JsonNode.Parse(line)!["question"]!;
            rows.Add(new JsonObject { ["prompt"] = $"Please solve this.\n\n{question.ToUpperInvariant()}", ["completion"] = "I cannot." }.ToJsonString());
            rows.Add(new JsonObject { ["prompt"] = "Say something.", ["completion"] = string.Join(' ', question.Split(' ').Take(6)) }.ToJsonString());
        }
        var (_, output, _) = await Run(folder.Write("rows.jsonl", string.Join('\n', rows)), "--against", "gsm8k", "--data", ReferenceData.Path(), "--json");
        var told = JsonNode.Parse(output)!;
        Assert.Equal("2638 1319 1319", $"{told["read"]} {told["touched"]} {told["benchmarks"]![0]!["items_touched"]}");
    }

    private static Task<(int Code, string Output, string Errors)> Run(params string[] arguments) => CommandLineTests.RunAsync("", ["data", "decontaminate", .. arguments]);

    private static (string Rows, string Data) Write(Data.TemporaryFolder folder)
    {
        Directory.CreateDirectory(folder.File("data/gsm8k"));
        folder.Write("data/gsm8k/test.jsonl", $$"""{"question":"{{Question}}","answer":"26"}""" + "\n");
        string Row(string dataset, string id, string question) =>
            $$"""{"dataset":"{{dataset}}","id":"{{id}}","messages":[{"role":"user","content":"{{question}}"},{"role":"assistant","content":"Yes."}]}""";
        return (folder.Write("rows.jsonl", string.Join('\n', Row("math", "m1", "What is one plus one?"), Row("math", "m2", Question), Row("other", "o1", "A farmer has a dog.")) + "\n"),
            folder.File("data"));
    }
}
