using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Results;

public sealed class ResultFolderTests : IDisposable
{
    private static readonly IBenchmark Benchmark = BenchmarkCatalogue.Named("exact_match");

    private static readonly ItemScore[] Scores =
    [
        new("1", "add", 1) { Sample = new EvaluationSample("p", "e", "öut\n\u2028put", true) { Verdict = "v" }, Metrics = new Dictionary<string, double> { ["pass@1"] = 0.1 + 0.2 } },
        new("2", "add", 0), new("3", "sort", 1) { Sample = new EvaluationSample("p", "e", "four", false) },
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("results");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void What_is_written_is_read_with_every_digit()
    {
        var folder = new ResultFolder(_folder.FullName);
        var options = new BenchmarkOptions { Mode = EvaluationMode.Fixed, Chat = false, Shots = 3, Limit = 3 };
        var result = TaskResult.Of(Benchmark, "sft", options, new Dictionary<string, string> { ["pairs"] = "gpt" }, Scores) with { Step = 7, Column = PaperColumn.TydiQa };
        folder.Write(result, Scores);
        Assert.Equal(["exact_match"], folder.Tasks);
        Assert.Equivalent(result, folder.Read("exact_match"), strict: true);
        Assert.Equivalent(Scores, folder.ReadItems("exact_match"), strict: true);
    }

    [Theory]
    [InlineData(EvaluationMode.Parity, null, 197)]
    [InlineData(EvaluationMode.Fixed, null, 1316)]
    [InlineData(EvaluationMode.Parity, 3, null)]
    public void Items_that_its_authors_have_and_the_data_has_not_are_counted(EvaluationMode mode, int? limit, int? missing)
    {
        var options = new BenchmarkOptions { Mode = mode, Limit = limit };
        Assert.Equal(missing, TaskResult.Of(BenchmarkCatalogue.Named("gsm8k"), "sft", options, new Dictionary<string, string>(), Scores).Missing);
        Assert.Null(TaskResult.Of(Benchmark, "sft", options, new Dictionary<string, string>(), Scores).Missing);
    }

    [Fact]
    public void A_result_has_mean_error_parts_and_length()
    {
        var result = TaskResult.Of(Benchmark, "sft", new BenchmarkOptions(), new Dictionary<string, string>(), Scores);
        Assert.Equal((3, 2 / 3.0, 6.0), (result.Items, result.Score!.Value, result.MeanLength!.Value));
        Assert.Equal(1 / 3.0, result.StandardError!.Value, 1e-12);
        Assert.Equal([("add", 2, 0.5, 0.5), ("sort", 1, 1, 0)], result.Datasets.Select(part => (part.Name, part.Items, part.Score, part.StandardError)));
        Assert.Empty(result.Judges);
    }

    [Fact]
    public void A_damaged_file_is_named_with_its_line()
    {
        var folder = new ResultFolder(_folder.FullName);
        folder.Write(TaskResult.Of(Benchmark, "sft", new BenchmarkOptions(), new Dictionary<string, string>(), Scores), Scores);
        var items = Path.Combine(_folder.FullName, "exact_match", "items.jsonl");
        File.WriteAllLines(items, File.ReadAllLines(items).Take(1).Append("{"));
        Assert.Equal($"{items}:2", Assert.Throws<BadInputException>(() => folder.ReadItems("exact_match")).Where);
        File.WriteAllText(Path.Combine(_folder.FullName, "exact_match", "result.json"), "{}");
        Assert.Throws<BadInputException>(() => folder.Read("exact_match"));
        Assert.Throws<BadInputException>(() => folder.Read("other"));
    }
}
