using System.Diagnostics;
using TorchSharp;
using Tulu2.Data.Slots;
using Tulu2.Models.Llama.Kernels;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Llama;

/// <param name="ProcessorSeconds">Median processor time of a step, on one thread.</param>
/// <param name="ElapsedSeconds">Median elapsed time of a step; larger where other programs share the cores.</param>
/// <param name="ModelFlops">See <see cref="StepCost.ModelFlops"/>.</param>
/// <param name="CeilingFlops">Operations a second of the machine's best large matrix product in the same type, measured before and after.</param>
/// <param name="Kinds">Processor seconds of the fastest step by kind of operation; <c>product</c> and <c>attention product</c> are libtorch's kernels.</param>
public sealed record ModelFigures(
    int Tokens, double ProcessorSeconds, double ElapsedSeconds, double ModelFlops, double CeilingFlops, IReadOnlyDictionary<string, double> Kinds)
{
    /// <summary>Share of the ceiling that the step reaches.</summary>
    public double ShareOfCeiling => ModelFlops / ProcessorSeconds / CeilingFlops;
}

/// <summary>Measures steps of a model with random weights on this thread, in processor time, so that busy neighbours add little.</summary>
public static class MineMeasurement
{
    /// <param name="segments">Segments of <paramref name="length"/> tokens a step, every row scored.</param>
    /// <param name="preference">As for preferences: the log-probabilities are asked for before the backward pass.</param>
    /// <param name="update">Called at the end of each step with the addresses of weights and fp32 gradient, for an optimizer.</param>
    public static ModelFigures Run(
        LlamaConfig config, bool bfloat16, int virtualShards, int segments, int length, bool preference = false, int repetitions = 12, Action<nint, nint>? update = null)
    {
        TorchRuntime.Initialize();
        var type = bfloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        var layout = new FlatLayout(config, virtualShards);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var weights = empty([layout.Length], dtype: type);
        using (var seeded = new Generator(1, CPU)) weights.normal_(0, config.InitializerRange, seeded);
        HeadGeometry heads = new(config, virtualShards);
        RotaryTable rotary = new(config.HeadSize, config.RopeTheta, length);
        var kernels = new TimedKernels(BlockKernels.For(type, DeviceType.CPU, heads, rotary), heads, rotary);
        using var model = new LlamaModel(layout, weights, false, AllShardsHere.Instance, kernels);
        var batch = Batch(config.VocabularySize, segments, length);
        var gradient = zeros([layout.Length]);
        var coefficients_R = full([batch.ScoredRows.Length], -1f / batch.ScoredRows.Length);

        var ceiling = Ceiling(bfloat16);
        var times = new List<(double Processor, double Elapsed)>();
        OperationClock fastest = new();
        try
        {
            for (var i = -2; i < repetitions; i++)
            {
                var clock = OperationClock.Current = new OperationClock();
                var elapsed = Stopwatch.StartNew();
                var start = OperationClock.Now();
                using (var activations = model.Forward(batch, keep: true))
                {
                    if (preference) model.LogProbabilities(activations).Dispose();
                    model.Backward(activations, coefficients_R, gradient).Dispose();
                }
                if (update is not null) unsafe { update((nint)Aten.Address<byte>(weights), (nint)Aten.Address<byte>(gradient)); }
                var seconds = (OperationClock.Now() - start) * 1e-9;
                // The first two steps find their memory and their code.
                if (i < 0) continue;
                if (times.Count == 0 || seconds < times.Min(time => time.Processor)) fastest = clock;
                times.Add((seconds, elapsed.Elapsed.TotalSeconds));
            }
        }
        finally
        {
            OperationClock.Current = null;
        }
        ceiling = Math.Max(ceiling, Ceiling(bfloat16));
        var kinds = fastest.Times.ToDictionary(kind => kind.Key, kind => kind.Value.Seconds);
        kinds.Add("other", times.Min(time => time.Processor) - kinds.Values.Sum());
        return new ModelFigures(
            batch.Tokens, Median(times.Select(time => time.Processor)), Median(times.Select(time => time.Elapsed)),
            StepCost.ModelFlops(config, batch.SegmentLengths, batch.ScoredRows.Length), ceiling, kinds);
    }

    /// <summary>Operations a second of the best of some large products.</summary>
    public static double Ceiling(bool bfloat16)
    {
        TorchRuntime.Initialize();
        var best = 0.0;
        foreach (var (rows, inner, columns) in ((int, int, int)[])[(1024, 1024, 1024), (1024, 512, 2816), (2048, 1024, 1024)])
        {
            using var scope = NewDisposeScope();
            var type = bfloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
            Tensor a = ones([rows, inner], dtype: type), b = ones([inner, columns], dtype: type), product = empty([rows, columns], dtype: type);
            for (var i = 0; i < 12; i++)
            {
                var start = OperationClock.Now();
                Aten.MatMul(product, a, b);
                best = Math.Max(best, 2.0 * rows * inner * columns / ((OperationClock.Now() - start) * 1e-9));
            }
        }
        return best;
    }

    private static SlotBatch Batch(int vocabulary, int segments, int length)
    {
        var random = new Random(1);
        var tokens = segments * length;
        int[] rows = [.. Enumerable.Range(0, tokens)], ids = [.. rows.Select(_ => random.Next(vocabulary))];
        return new SlotBatch(
            1, 0, ids, [.. rows.Select(row => row % length)], [.. Enumerable.Repeat(length, segments)], rows, ids, [.. rows.Select(row => row / length)], [], tokens);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
