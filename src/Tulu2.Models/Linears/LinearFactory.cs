using Tulu2.Models.Parameters;
using static TorchSharp.torch;

namespace Tulu2.Models.Linears;

/// <summary>
/// Makes the linears of a model: the one place that decides which kind a matrix gets. A low-rank adapter or a quantised base is another
/// <see cref="ILinear"/> that is chosen here, by what the two maps say of the matrix.
/// </summary>
/// <param name="weights">[parameters.Read.Length] in the compute type.</param>
internal sealed class LinearFactory(ModelParameters parameters, Tensor weights, LinearContext context)
{
    /// <param name="key">The matrix (<see cref="ParameterMap.this"/>).</param>
    public ILinear Of(string key)
    {
        var matrix = parameters.Read[key];
        var bias = parameters.Read.Find(BiasOf(key));
        var plain = new LinearWeights(
            ParameterViews.Of(weights, matrix).DetachFromDisposeScope(), bias is null ? null : ParameterViews.VectorOf(weights, bias).DetachFromDisposeScope(),
            parameters.Trained.Find(key), parameters.Trained.Find(BiasOf(key)));
        return matrix.Split == ShardSplit.Columns ? new RowLinear(plain, context) : new ColumnLinear(plain, context);
    }

    private static string BiasOf(string key) => $"{key}.bias";
}
