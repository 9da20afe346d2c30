using Tulu2.Models.Parameters;

namespace Tulu2.Models.Linears;

/// <summary>
/// Makes the linears of a model: the one place that decides which kind a matrix gets, by what the two maps say of the matrix.
/// </summary>
internal sealed class LinearFactory(ModelParameters parameters, ModelWeights weights, LinearContext context)
{
    /// <param name="key">The matrix (<see cref="ParameterMap.this"/>).</param>
    public ILinear Of(string key)
    {
        var plain = Plain(key);
        return Adapter(key) is { } adapter ? new AdapterLinear(plain, adapter, context) : plain;
    }

    private ILinear Plain(string key)
    {
        var matrix = parameters.MapOf(key)[key];
        var bias_O = parameters.Read.Find(BiasOf(key)) is { } bias ? ParameterViews.VectorOf(weights.Read, bias).DetachFromDisposeScope() : null;
        if (parameters.Quantized?.Find(key) is not null) return new QuantizedLinear(weights.Quantized[key], bias_O, Of);
        return Of(new LinearWeights(ParameterViews.Of(weights.Read, matrix).DetachFromDisposeScope(), bias_O, parameters.Trained.Find(key), parameters.Trained.Find(BiasOf(key))));

        ILinear Of(LinearWeights plain) => matrix.Split == ShardSplit.Columns ? new RowLinear(plain, context) : new ColumnLinear(plain, context);
    }

    private LowRankAdapter? Adapter(string key)
    {
        if (parameters.Adapter is not { } settings || parameters.Trained.Find(AdapterTensors.InputKey(key)) is not { } a) return null;
        var b = parameters.Trained[AdapterTensors.OutputKey(key)];
        // Ranks must agree on it, which hashes of strings do not.
        var layer = DropoutSeed(settings.Seed, key);
        if (parameters.MapOf(key)[key].Split == ShardSplit.Columns) return new RowAdapter(settings, context, a, b, weights.Adapters, layer, parameters.Read.FirstShard);
        var adapted = parameters.Trained.TensorsOf(a.Key).Select(tensor => tensor.Name).ToHashSet();
        return new ColumnAdapter(settings, context, a, b, weights.Adapters, layer,
            [.. parameters.MapOf(key).TensorsOf(key).Select(tensor => (tensor.Shape[0] / parameters.VirtualShards, adapted.Contains(AdapterTensors.InputName(tensor.Name))))]);
    }

    internal static ulong DropoutSeed(int seed, string key) => RandomWeights.Key(seed, $"dropout of {key}");

    private static string BiasOf(string key) => $"{key}.bias";
}
