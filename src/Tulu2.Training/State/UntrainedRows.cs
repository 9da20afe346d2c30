using Tulu2.Collectives;
using Tulu2.Models.Parameters;
using static TorchSharp.torch;

namespace Tulu2.Training.State;

/// <summary>
/// The rows of embedding and head that stand for no id of the tokenizer, in a range of a flat buffer. Their gradient is zero, but an update does more than add gradients
/// (weight decay, moments that an earlier run has left): so they are put back as they were, bit for bit.
/// </summary>
internal sealed class UntrainedRows
{
    private readonly List<(long First, long Count)> _runs = [];

    public UntrainedRows(ParameterMap map, ElementRange range)
    {
        foreach (var matrix in map.Matrices)
        {
            // Padding is zero and stays so.
            var end = matrix.Offset + matrix.Length - matrix.PaddingRows * matrix.Columns;
            var first = Math.Max(range.First, matrix.Offset + matrix.Length - matrix.UntrainedRows * matrix.Columns);
            if (Math.Min(range.End, end) - first is > 0 and var count) _runs.Add((first - range.First, count));
        }
    }

    /// <summary>Runs an update of parameters ([range.Count], fp32) that leaves these rows as they are.</summary>
    public void Keep(Tensor parameters, Action update)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var kept = _runs.ConvertAll(run => parameters.narrow(0, run.First, run.Count).clone());
        update();
        for (var index = 0; index < kept.Count; index++) parameters.narrow(0, _runs[index].First, _runs[index].Count).copy_(kept[index]);
    }
}
