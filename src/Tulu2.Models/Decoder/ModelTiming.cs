using System.Diagnostics;
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>Where the processor time of a piece of work went.</summary>
/// <param name="Seconds">Processor time of the calling thread, which other processes on busy cores do not add to.</param>
/// <param name="Kinds">The part of it in operations that are timed, by kind.</param>
public sealed record OperationTimes(double Seconds, IReadOnlyDictionary<string, double> Kinds)
{
    /// <summary>Matrix products, which libtorch does.</summary>
    public double Products => Kinds.Where(kind => kind.Key is "product" or "attention product").Sum(kind => kind.Value);

    /// <summary>Products and the kernels of our own between them.</summary>
    public double Kernels => Kinds.Values.Sum();
}

/// <summary>Times a model's operations, and the machine it runs on. One thread.</summary>
public static class ModelTiming
{
    private static readonly TimeSpan PerShape = TimeSpan.FromSeconds(0.5);

    // A square product and the widest of the measured model: whichever the machine does faster is its ceiling.
    private static readonly (long M, long K, long N)[] CeilingShapes = [(1024, 1024, 1024), (1024, 512, 2816)];

    /// <summary>A model that times its kernels inside <see cref="Measure"/>.</summary>
    public static DecoderModel Timed(ParameterMap map, Tensor weights)
    {
        TorchRuntime.Initialize();
        var heads = HeadGeometry.Of(map);
        var rotary = new RotaryTable(map.Config.HeadSize, map.Config.RopeTheta, 256);
        var kernels = BlockKernels.For(weights.dtype, weights.device.type, heads, rotary);
        return new DecoderModel(map, weights, recompute: false, AllShardsHere.Instance, new TimedKernels(kernels, heads, rotary));
    }

    public static OperationTimes Measure(Action work)
    {
        var clock = new OperationClock();
        OperationClock.Current = clock;
        var start = OperationClock.Now();
        try
        {
            work();
        }
        finally
        {
            OperationClock.Current = null;
        }
        return new OperationTimes((OperationClock.Now() - start) * 1e-9, clock.Times.ToDictionary(time => time.Key, time => time.Value.Seconds));
    }

    /// <summary>Processor seconds of a piece of work on this thread.</summary>
    public static double Seconds(Action work)
    {
        var start = OperationClock.Now();
        work();
        return (OperationClock.Now() - start) * 1e-9;
    }

    /// <summary>Floating-point operations a second of the machine's own matrix product on one thread, by the same clock.</summary>
    public static double ProductRate(ScalarType type)
    {
        TorchRuntime.EnterRankThread();
        return CeilingShapes.Max(shape => Rate(type, shape.M, shape.K, shape.N));
    }

    private static double Rate(ScalarType type, long rows, long inner, long columns)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var a = randn([rows, inner]).to_type(type);
        var b = randn([inner, columns]).to_type(type);
        var result = empty([rows, columns], dtype: type);
        var best = double.MaxValue;
        var clock = Stopwatch.StartNew();
        for (var turn = 0; turn < 4 || clock.Elapsed < PerShape; turn++) best = Math.Min(best, Seconds(() => Aten.MatMul(result, a, b)));
        return 2.0 * rows * inner * columns / best;
    }
}
