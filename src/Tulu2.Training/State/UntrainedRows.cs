using Tulu2.Collectives;
using Tulu2.Models.Parameters;
using static TorchSharp.torch;

namespace Tulu2.Training.State;

/// <summary>
/// The rows of embedding and head, within a range of a flat buffer, whose ids the tokenizer does not have. Their gradient is zero, but weight decay and nonzero
/// moments of an earlier run would still change them, so they are restored bit for bit after each update.
/// </summary>
internal sealed class UntrainedRows
{
    private readonly List<(long First, long Count)> _runs = [];

    public UntrainedRows(ParameterMap map, ElementRange range)
    {
        foreach (var matrix in map.Matrices)
        {
            // Padding rows are left out: they are zero and stay zero.
            var end = matrix.Offset + matrix.Length - matrix.PaddingRows * matrix.Columns;
            var first = Math.Max(range.First, matrix.Offset + matrix.Length - matrix.UntrainedRows * matrix.Columns);
            if (Math.Min(range.End, end) - first is > 0 and var count) _runs.Add((first - range.First, count));
        }
    }

    /// <summary>Runs an update of the parameters ([range.Count] fp32), then restores these rows.</summary>
    public void Keep(Tensor parameters, Action update)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var kept = _runs.ConvertAll(run => parameters.narrow(0, run.First, run.Count).clone());
        update();
        for (var index = 0; index < kept.Count; index++) parameters.narrow(0, _runs[index].First, _runs[index].Count).copy_(kept[index]);
    }
}
