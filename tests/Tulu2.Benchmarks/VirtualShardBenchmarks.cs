using BenchmarkDotNet.Attributes;
using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Benchmarks;

/// <summary>What four virtual shards cost against one: forward and reverse pass of a 4 x 512 model over 1,024 tokens, on one thread.</summary>
[InProcess]
[WarmupCount(2)]
[IterationCount(8)]
public class VirtualShardBenchmarks
{
    private const int Segments = 4;
    private const int SegmentLength = 256;

    private readonly LlamaConfig _config = new()
    {
        HiddenSize = 512,
        IntermediateSize = 1408,
        Layers = 4,
        Heads = 8,
        KeyValueHeads = 4,
        HeadSize = 64,
        VocabularySize = 8192,
    };

    private DecoderModel _one = null!;
    private DecoderModel _four = null!;
    private Tensor _gradient = null!;
    private Tensor _coefficients_R = null!;
    private SlotBatch _batch = null!;

    [Params(false, true)]
    public bool Bf16 { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        TorchRuntime.Initialize();
        TorchRuntime.EnterRankThread();
        using var noGradient = no_grad();
        var length = new ParameterMap(_config, 4).Length;
        var weights = (randn(length) * 0.02f).to(Bf16 ? ScalarType.BFloat16 : ScalarType.Float32);
        _one = new DecoderModel(new ParameterMap(_config, 1), weights);
        _four = new DecoderModel(new ParameterMap(_config, 4), weights);
        _gradient = zeros(length);
        const int tokens = Segments * SegmentLength;
        var ids = Enumerable.Range(0, tokens).Select(at => at * 7919 % _config.VocabularySize).ToArray();
        var scored = Enumerable.Range(0, tokens).Where(at => at % SegmentLength != SegmentLength - 1).ToArray();
        _batch = new SlotBatch(
            1, 0, ids, [.. ids.Select((_, at) => at % SegmentLength)], [.. Enumerable.Repeat(SegmentLength, Segments)],
            scored, [.. scored.Select(at => ids[at + 1])], [.. scored.Select(at => at / SegmentLength)], [.. Enumerable.Range(0, Segments)], tokens);
        _coefficients_R = full(scored.Length, -1f / scored.Length);
    }

    [Benchmark(Baseline = true)]
    public void OneShard() => Step(_one);

    [Benchmark]
    public void FourShards() => Step(_four);

    private void Step(DecoderModel model)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var activations = model.Forward(_batch, keep: true);
        model.Backward(activations, _coefficients_R, _gradient);
    }
}
