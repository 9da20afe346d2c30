using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Tulu2.Training.Optimization;

/// <summary>
/// libtorch's fused AdamW kernel (<c>aten::_fused_adamw_</c>), called through libtorch's stable C interface because TorchSharp has no binding for it. On a CPU
/// about six times as fast as the same formula in tensor operations.
/// </summary>
internal static unsafe class FusedAdamW
{
    private static readonly byte[] Operator = Encoding.ASCII.GetBytes("aten::_fused_adamw_\0");
    private static readonly byte[] Overload = [0];
    private static readonly Lazy<bool> Probe = new(ProbeKernel);

    /// <summary>Whether this build of libtorch exports the interface.</summary>
    public static bool IsAvailable => Probe.Value;

    /// <summary>Updates parameters and moments in place. All tensors are [length] fp32.</summary>
    /// <param name="step">Number of the update, from 1.</param>
    /// <exception cref="InvalidOperationException">libtorch returned an error.</exception>
    public static void Apply(
        Tensor parameters, Tensor gradient, Tensor firstMoment, Tensor secondMoment, int step,
        double learningRate, double beta1, double beta2, double epsilon, double weightDecay)
    {
        using var step_ = tensor((float)step);
        var stack = stackalloc ulong[15];
        stack[0] = List(parameters);
        stack[1] = List(gradient);
        stack[2] = List(firstMoment);
        stack[3] = List(secondMoment);
        stack[4] = List();
        stack[5] = List(step_);
        stack[6] = Bits(learningRate);
        stack[7] = Bits(beta1);
        stack[8] = Bits(beta2);
        stack[9] = Bits(weightDecay);
        stack[10] = Bits(epsilon);
        // amsgrad, maximize: false; grad_scale, found_inf: none.
        stack[11] = stack[12] = stack[13] = stack[14] = 0;
        fixed (byte* name = Operator, overload = Overload)
            Check(Native.Call(name, overload, stack));
    }

    private static bool ProbeKernel()
    {
        if (!NativeLibrary.TryLoad("torch_cpu", typeof(FusedAdamW).Assembly, null, out var library)) return false;
        return NativeLibrary.TryGetExport(library, "aoti_torch_call_dispatcher", out _)
            && NativeLibrary.TryGetExport(library, "aoti_torch_new_tensor_handle", out _)
            && NativeLibrary.TryGetExport(library, "torch_new_list_reserve_size", out _)
            && NativeLibrary.TryGetExport(library, "torch_list_push_back", out _);
    }

    private static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);

    // The callee takes ownership of the list and of the tensor handles in it.
    private static ulong List(params ReadOnlySpan<Tensor> tensors)
    {
        nint list;
        Check(Native.NewList((nuint)tensors.Length, &list));
        foreach (var tensor in tensors)
        {
            nint handle;
            Check(Native.NewHandle(tensor.Handle, &handle));
            Check(Native.Push(list, (ulong)handle));
        }
        return (ulong)list;
    }

    private static void Check(int code)
    {
        if (code != 0) throw new InvalidOperationException("fused AdamW: libtorch refused the call");
    }

    private static class Native
    {
        [DllImport("torch_cpu", EntryPoint = "aoti_torch_call_dispatcher")]
        internal static extern int Call(byte* name, byte* overload, ulong* stack);

        [DllImport("torch_cpu", EntryPoint = "aoti_torch_new_tensor_handle")]
        internal static extern int NewHandle(nint tensor, nint* result);

        [DllImport("torch_cpu", EntryPoint = "torch_new_list_reserve_size")]
        internal static extern int NewList(nuint size, nint* result);

        [DllImport("torch_cpu", EntryPoint = "torch_list_push_back")]
        internal static extern int Push(nint list, ulong element);
    }
}
