// N tokens, I inputs, O outputs of this rank.
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Linears;

/// <summary>
/// A frozen linear whose matrix is held in 4 bits (QLoRA, arXiv 2305.14314). For each product the matrix is restored in the workspace, and computes as a plain
/// one does; of all quantised matrices of a model only one is there at a time.
/// </summary>
/// <param name="plain">Makes the plain linear of a restored matrix, which is frozen.</param>
internal sealed class QuantizedLinear(IQuantizedMatrix matrix, Tensor? bias_O, Func<LinearWeights, ILinear> plain) : ILinear
{
    public int Outputs => (int)matrix.Rows;

    public void Forward(Tensor input_NI, Tensor? residual_NO, Tensor output_NO, Workspace workspace, AdapterPass? pass = null) =>
        Restored(workspace, linear => linear.Forward(input_NI, residual_NO, output_NO, workspace));

    public void InputGradient(Tensor gradient_NO, Tensor inputGradient_NI, Workspace workspace, AdapterPass? pass = null) =>
        Restored(workspace, linear => linear.InputGradient(gradient_NO, inputGradient_NI, workspace));

    public void WeightGradient(Tensor gradient_NO, Tensor input_NI, Tensor gradient, bool first, Workspace workspace, AdapterPass? pass = null)
    {
        // Frozen.
    }

    private void Restored(Workspace workspace, Action<ILinear> compute)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var weight_OI = workspace.Rent(matrix.Rows, matrix.Columns);
        var start = OperationClock.Start();
        matrix.Restore(weight_OI);
        OperationClock.Stop(start, "restoring");
        using (var linear = plain(new LinearWeights(weight_OI, bias_O?.alias()))) compute(linear);
        workspace.Release(mark);
    }

    public void Dispose() => bias_O?.Dispose();
}
