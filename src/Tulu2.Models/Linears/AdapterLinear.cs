// N tokens, I inputs and O outputs of this rank.
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Linears;

/// <summary>A frozen linear and the low-rank adapters beside it: output = frozen(input) + scale (input A^T) B^T (+ residual).</summary>
internal sealed class AdapterLinear(ILinear frozen, LowRankAdapter adapter, LinearContext context) : ILinear
{
    public int Outputs => frozen.Outputs;

    public void Forward(Tensor input_NI, Tensor? residual_NO, Tensor output_NO, Workspace workspace, AdapterPass? pass = null)
    {
        if (pass is { IsOff: true })
        {
            frozen.Forward(input_NI, residual_NO, output_NO, workspace);
            return;
        }
        frozen.Forward(input_NI, null, output_NO, workspace);
        using (NewDisposeScope())
        {
            var mark = workspace.Mark();
            adapter.AddOutput(input_NI, output_NO, workspace, pass);
            workspace.Release(mark);
        }
        if (residual_NO is not null) context.Kernels.TreeSum([output_NO], residual_NO, output_NO);
    }

    public void InputGradient(Tensor gradient_NO, Tensor inputGradient_NI, Workspace workspace, AdapterPass? pass = null)
    {
        frozen.InputGradient(gradient_NO, inputGradient_NI, workspace);
        if (pass is { IsOff: true }) return;
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        adapter.AddInputGradient(gradient_NO, inputGradient_NI, workspace, pass);
        workspace.Release(mark);
    }

    public void WeightGradient(Tensor gradient_NO, Tensor input_NI, Tensor gradient, bool first, Workspace workspace, AdapterPass? pass = null)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        adapter.WriteGradients(gradient_NO, input_NI, gradient, first, workspace, pass);
        workspace.Release(mark);
    }

    public void Dispose()
    {
        frozen.Dispose();
        adapter.Dispose();
    }
}
