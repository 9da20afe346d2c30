using System.Text.Json;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.AlpacaEval;

namespace Tulu2.Tests.Evaluation.Benchmarks.AlpacaEval;

/// <summary>A small folder of AlpacaEval's reference outputs.</summary>
internal sealed class AlpacaEvalExample : IDisposable
{
    public static readonly (string Dataset, string Instruction, string Output)[] Rows =
    [
        ("koala", "a", "first reference"), ("koala", "c", "second reference"), ("vicuna", "2+3", "third reference"), ("vicuna", "你好 😀", "fourth 😀"),
    ];

    public AlpacaEvalExample() =>
        File.WriteAllText(Path.Combine(Folder, "text_davinci_003_outputs.json"), JsonSerializer.Serialize(Rows.Select(row =>
            new { dataset = row.Dataset, instruction = row.Instruction, output = row.Output, generator = "text_davinci_003" })));

    public string Folder { get; } = Directory.CreateTempSubdirectory("tulu2-alpaca-").FullName;

    public AlpacaEvalBenchmark Benchmark { get; } = new();

    public IReadOnlyList<AlpacaEvalBenchmark.Item> Read(Func<BenchmarkOptions, BenchmarkOptions>? change = null) =>
        Benchmark.Read(new BenchmarkInput(Folder, (change ?? (same => same))(new BenchmarkOptions()), null)).Items;

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
