using Tulu2.Models.Parameters;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using static TorchSharp.torch;

namespace Tulu2.Training.State;

/// <summary>
/// The model beside which adapters are trained, in the compute type: read once, never written, without gradient, master weights or moments.
/// </summary>
internal sealed class FrozenModel : IDisposable
{
    private FrozenModel(ModelWeights weights) => Weights = weights;

    public ModelWeights Weights { get; }

    /// <param name="parameters">Parameters of the rank's part of the model.</param>
    /// <param name="device">Null: host memory.</param>
    /// <exception cref="Files.BadInputException">The files cannot be read.</exception>
    public static FrozenModel Load(ModelParameters parameters, Recipe recipe, Device? device)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var map = parameters.Read;
        var weights = zeros(map.Length, dtype: ComputeType.Of(recipe.Precision));
        if (recipe.Precision == Precision.Fp32) InitialWeights.Fill(recipe, map, FlatMemory.Address(weights));
        else
            // One layer at a time is held in fp32.
            foreach (var (first, part) in ByLayers(map))
            {
                using var inner = NewDisposeScope();
                var single = zeros(part.Length, dtype: float32);
                InitialWeights.Fill(recipe, part, FlatMemory.Address(single));
                weights.narrow(0, first, part.Length).copy_(single);
            }
        var read = (device is null ? weights : weights.to(device)).MoveToOuterDisposeScope().DetachFromDisposeScope();
        return new FrozenModel(parameters.Quantized is { } quantized ? new ModelWeights(read) { Quantized = Quantized(quantized, recipe, device) } : read);
    }

    // One tensor at a time is held in fp32, and one whole one in 4 bits.
    private static IReadOnlyDictionary<string, IQuantizedMatrix> Quantized(ParameterMap map, Recipe recipe, Device? device)
    {
        var matrices = new QuantizedMatrices(map);
        InitialWeights.Quantize(recipe, map.Config, matrices.Names, matrices.Add);
        var all = matrices.All(device);
        // What was quantised whole and then cut, or copied to a device, is garbage now, of about the size of the model.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return all;
    }

    public void Dispose()
    {
        foreach (var matrix in Weights.Quantized.Values.OfType<IDisposable>()) matrix.Dispose();
        Weights.Read.Dispose();
    }

    // A tied model cannot be cut by layers.
    private static IEnumerable<(long First, ParameterMap Part)> ByLayers(ParameterMap map)
    {
        if (map.Config.TieEmbeddings) return [(0, map)];
        var layers = map.Part;
        return Enumerable.Range(layers.FirstLayer, layers.Layers).Select(layer =>
        {
            var part = map.Of(layers with { FirstLayer = layer, EndLayer = layer + 1 });
            return (map.StartOf(layer == 0 ? -1 : layer), part);
        });
    }
}
