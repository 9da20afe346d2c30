// R scored rows, D hidden, C vocabulary columns of this rank, padding included.
using Tulu2.Models.Kernels;
using Tulu2.Models.Linears;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>
/// The output matrix, a row chunk at a time: no [tokens, vocabulary] tensor ever exists. Rows of the matrix are cut into virtual shards, so sums of
/// exponentials and the input gradient are trees over them. Columns that stand for no token get a logit of -infinity: no probability and no gradient.
/// </summary>
internal sealed class VocabularyHead(ILinear linear, ParameterMap map, BlockKernels kernels, IShardSum group) : IDisposable
{
    /// <summary>Logits of a chunk: 16 MiB in fp32. Larger chunks are no faster.</summary>
    private const int ChunkElements = 1 << 22;
    private readonly int _tokens = Math.Clamp(map.Config.VocabularySize - map.FirstToken, 0, map.VocabularyRows);

    /// <summary>
    /// Row chunks, a function of the vocabulary alone: the weight gradient's bits depend on them. The last is never shorter than 16 where there is
    /// another.
    /// </summary>
    public static IEnumerable<(int First, int Count)> Chunks(int rows, int vocabulary)
    {
        var size = Math.Clamp(ChunkElements / vocabulary / 16 * 16, 64, 1024);
        for (var first = 0; first < rows;)
        {
            var count = rows - first < size + 16 ? rows - first : size;
            yield return (first, count);
            first += count;
        }
    }

    private void Logits(Tensor hidden_RD, Tensor logits_RC, Workspace workspace)
    {
        linear.Forward(hidden_RD, null, logits_RC, workspace);
        if (_tokens == linear.Outputs) return;
        using var padding_RC = logits_RC.narrow(1, _tokens, linear.Outputs - _tokens);
        using var filled_RC = padding_RC.fill_(HeldScalars.NegativeInfinity);
    }

    public void LogProbabilities(Tensor hidden_RD, int[] targets, Tensor result_R, Workspace workspace)
    {
        foreach (var (first, count) in Chunks(targets.Length, map.Config.VocabularySize))
        {
            using var scope = NewDisposeScope();
            var mark = workspace.Mark();
            Score(hidden_RD.narrow(0, first, count), targets.AsSpan(first, count), result_R.narrow(0, first, count), workspace);
            workspace.Release(mark);
        }
    }

    /// <summary>Also overwrites the gradients of the rows, and of the matrix in the flat <paramref name="gradient"/>.</summary>
    public void Backward(
        Tensor hidden_RD, int[] targets, Tensor coefficients_R, Tensor result_R, Tensor hiddenGradient_RD, Tensor gradient, Workspace workspace)
    {
        foreach (var (first, count) in Chunks(targets.Length, map.Config.VocabularySize))
        {
            using var scope = NewDisposeScope();
            var mark = workspace.Mark();
            var rows_RD = hidden_RD.narrow(0, first, count);
            var chunk = targets.AsSpan(first, count);
            var (logits_RC, maximum_R, sum_R) = Score(rows_RD, chunk, result_R.narrow(0, first, count), workspace);
            kernels.LogitGradient(logits_RC, chunk, map.FirstToken, maximum_R, sum_R, coefficients_R.narrow(0, first, count));
            linear.WeightGradient(logits_RC, rows_RD, gradient, first == 0, workspace);
            linear.InputGradient(logits_RC, hiddenGradient_RD.narrow(0, first, count), workspace);
            workspace.Release(mark);
        }
    }

    private (Tensor Logits_RC, Tensor Maximum_R, Tensor Sum_R) Score(Tensor hidden_RD, ReadOnlySpan<int> targets, Tensor result_R, Workspace workspace)
    {
        var logits_RC = workspace.Rent(targets.Length, linear.Outputs);
        Logits(hidden_RD, logits_RC, workspace);
        var maximum_R = workspace.RentSingle(targets.Length);
        kernels.RowMaxima(logits_RC, maximum_R);
        group.Max(maximum_R);
        // Side by side: one sum over the ranks for both.
        var sums_2R = workspace.RentSingle(2, targets.Length);
        Tensor sum_R = sums_2R[0], target_R = sums_2R[1];
        kernels.ExponentialSums(logits_RC, map.LocalShards, maximum_R, sum_R);
        kernels.TargetLogits(logits_RC, targets, map.FirstToken, target_R);
        group.Sum(sums_2R);
        result_R.copy_(target_R).sub_(maximum_R).sub_(sum_R.log());
        return (logits_RC, maximum_R, sum_R);
    }

    public void Dispose() => linear.Dispose();
}
