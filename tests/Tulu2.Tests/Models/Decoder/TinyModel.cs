using System.Security.Cryptography;
using TorchSharp;
using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Models.Families;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.Parameters;
using Tulu2.Models.Quantization;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder;

/// <summary>Small models with random weights, batches, and what the tests compare of them.</summary>
internal static class TinyModel
{
    public static LlamaConfig Config(
        bool tied = false, int heads = 8, int keyValueHeads = 4, int headSize = 16, int feedForward = 192, int vocabulary = 128, int layers = 2) => new()
        {
            HiddenSize = 64,
            IntermediateSize = feedForward,
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadSize = headSize,
            VocabularySize = vocabulary,
            TieEmbeddings = tied,
        };

    /// <summary>Larger than an initialisation, so that attention and gates are far from linear.</summary>
    public static Tensor Weights(ParameterMap layout, ScalarType type = ScalarType.Float32, int seed = 1)
    {
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed, CPU);
        using Scalar normSpread = 0.2, spread = 0.12;
        var flat = zeros([layout.Length], dtype: ScalarType.Float32);
        // Drawn in Hugging Face order, so that the model is the same for every number of virtual shards.
        foreach (var slices in layout.Slices.GroupBy(slice => slice.Slice.Name).OrderBy(slices => slices.Key, StringComparer.Ordinal))
        {
            var shape = slices.First().Slice.Shape;
            var values = randn(shape, generator: generator);
            values = slices.First().Role == TensorRole.Norm ? values.mul(normSpread).Plus(HeldScalars.One) : values.mul(spread);
            foreach (var slice in slices)
            {
                var part = values;
                for (var d = 0; d < shape.Length; d++) part = part.narrow(d, slice.Slice.Begin[d], slice.Slice.Size[d]);
                var place = shape.Length == 1
                    ? flat.narrow(0, slice.Offset, slice.Slice.Size[0])
                    : flat.as_strided(slice.Slice.Size, [slice.RowStride, 1], slice.Offset);
                place.copy_(part);
            }
        }
        return flat.to_type(type).clone().DetachFromDisposeScope();
    }

    /// <summary>The matrices that are held in 4 bits, quantised from the same weights.</summary>
    public static unsafe IReadOnlyDictionary<string, IQuantizedMatrix> Quantized(ModelParameters parameters, Device? device = null, int seed = 1)
    {
        if (parameters.Quantized is null) return new Dictionary<string, IQuantizedMatrix>();
        var whole = new ParameterMap(parameters.Config, 1);
        using var flat = Weights(whole, seed: seed);
        var matrices = new QuantizedMatrices(parameters.Quantized);
        foreach (var name in matrices.Names)
        {
            var slice = whole.Slices.Single(part => part.Slice.Name == name);
            matrices.Add(name, Nf4.Quantize(name, slice.Slice.Shape[0], slice.Slice.Shape[1], (nint)(Aten.Address<float>(flat) + slice.Offset), doubleQuant: true));
        }
        return matrices.All(device);
    }

    /// <summary>Segments of random tokens; every row but a segment's last and some dropped ones is scored.</summary>
    public static SlotBatch Batch(int[] lengths, int vocabulary = 128, int seed = 7, int drop = 5)
    {
        var random = new Random(seed);
        int[] ids = [.. Enumerable.Range(0, lengths.Sum()).Select(_ => random.Next(vocabulary))];
        List<int> scored = [], targets = [], segments = [];
        var start = 0;
        for (var s = 0; s < lengths.Length; start += lengths[s++])
            for (var t = 0; t + 1 < lengths[s]; t++)
            {
                if (drop > 0 && random.Next(drop) == 0) continue;
                scored.Add(start + t);
                targets.Add(ids[start + t + 1]);
                segments.Add(s);
            }
        return new SlotBatch(
            1, 0, ids, [.. lengths.SelectMany(length => Enumerable.Range(0, length))], lengths, [.. scored], [.. targets], [.. segments],
            [.. Enumerable.Range(0, lengths.Length)], ids.Length);
    }

    /// <summary>The segments numbered <paramref name="which"/>, in that order, as a batch of their own.</summary>
    public static SlotBatch Pick(SlotBatch batch, params int[] which)
    {
        int[] starts = [.. batch.SegmentLengths.Select((_, s) => batch.SegmentLengths.Take(s).Sum())];
        List<int> ids = [], scored = [], targets = [], segments = [];
        for (var n = 0; n < which.Length; n++)
        {
            var s = which[n];
            for (var r = 0; r < batch.ScoredRows.Length; r++)
                if (batch.ScoredSegments[r] == s)
                {
                    scored.Add(batch.ScoredRows[r] - starts[s] + ids.Count);
                    targets.Add(batch.Targets[r]);
                    segments.Add(n);
                }
            ids.AddRange(batch.Ids.Skip(starts[s]).Take(batch.SegmentLengths[s]));
        }
        int[] lengths = [.. which.Select(s => batch.SegmentLengths[s])];
        return batch with
        {
            Ids = [.. ids],
            Positions = [.. lengths.SelectMany(length => Enumerable.Range(0, length))],
            SegmentLengths = lengths,
            ScoredRows = [.. scored],
            Targets = [.. targets],
            ScoredSegments = [.. segments],
            Tokens = ids.Count,
        };
    }

    /// <summary>As preferences have them: both signs, one value per segment.</summary>
    public static Tensor Coefficients(SlotBatch batch) =>
        tensor(batch.ScoredSegments.Select(s => (s % 2 == 0 ? -1f : 1f) * (0.3f + 0.1f * s)).ToArray());

    /// <summary>Log-probabilities and gradient; the caller disposes both.</summary>
    public static (Tensor LogProbabilities, Tensor Gradient) Run(DecoderModel model, SlotBatch batch)
    {
        using var coefficients = Coefficients(batch);
        var gradient = full([model.Parameters.Trained.Length], 7f);
        using var activations = model.Forward(batch, keep: true);
        return (model.Backward(activations, coefficients, gradient), gradient);
    }

    public static (Tensor LogProbabilities, Tensor Gradient) Run(
        ModelConfig config, int shards, SlotBatch batch, ScalarType type = ScalarType.Float32, bool recompute = false)
    {
        var layout = new ParameterMap(config, shards);
        using var weights = Weights(layout, type);
        using var model = new DecoderModel(layout, weights, recompute);
        return Run(model, batch);
    }

    public static float[] LogProbabilities(DecoderModel model, SlotBatch batch)
    {
        using var activations = model.Forward(batch, keep: false);
        using var result = model.LogProbabilities(activations);
        return result.data<float>().ToArray();
    }

    public static string Hash(Tensor tensor) => Convert.ToHexString(SHA256.HashData(tensor.contiguous().bytes));

    /// <summary>Largest difference over the largest value.</summary>
    public static double Difference(Tensor actual, Tensor expected)
    {
        using var scope = NewDisposeScope();
        var wide = expected.to_type(ScalarType.Float64);
        return ((actual.to_type(ScalarType.Float64) - wide).abs().max() / wide.abs().max()).ToDouble();
    }
}
