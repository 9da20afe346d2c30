using System.IO.Compression;
using BenchmarkDotNet.Attributes;
using Microsoft.ML.Tokenizers;
using Tulu2.Data.Tokenizers;

namespace Tulu2.Benchmarks;

/// <summary>Our Llama-2 encoder against the package's, on real rows. Needs the folder of reference data (<c>TULU2_DATA</c>); the two do not give the same ids.</summary>
[InProcess]
public class TokenizerBenchmarks
{
    private string[] _texts = [];
    private LlamaTokenizer _package = null!;
    private SentencePieceBpeTokenizer _ours = null!;

    [GlobalSetup]
    public void Setup()
    {
        var data = Environment.GetEnvironmentVariable("TULU2_DATA") ?? throw new InvalidOperationException("set TULU2_DATA to the folder of reference data");
        var model = Path.Combine(data, "llama2_tokenizer", "tokenizer.model");
        using (var stream = File.OpenRead(model)) _package = LlamaTokenizer.Create(stream);
        _ours = SentencePieceBpeTokenizer.Load(model);
        using var rows = new StreamReader(new GZipStream(File.OpenRead(Path.Combine(data, "tulu_v2_mix_sample", "sample_debug.jsonl.gz")), CompressionMode.Decompress));
        _texts = rows.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [Benchmark(Baseline = true)]
    public int Package() => _texts.Sum(text => _package.EncodeToIds(text).Count);

    [Benchmark]
    public int Ours() => _texts.Sum(text => _ours.EncodeText(text, boundary: true).Length);
}
