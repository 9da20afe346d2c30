using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Tulu2.Models.Torch;

/// <summary>
/// Calls into libtorch's stable C interface where TorchSharp has none: products that write into a tensor that is already there, and raw addresses.
/// A TorchSharp handle and an <c>AtenTensorHandle</c> are the same <c>at::Tensor*</c>.
/// </summary>
internal static partial class Aten
{
    /// <summary><paramref name="result"/> = <paramref name="a"/> x <paramref name="b"/>, both two-dimensional; the result is contiguous.</summary>
    public static void MatMul(Tensor result, Tensor a, Tensor b)
    {
        var start = OperationClock.Start();
        if (result.device_type == DeviceType.CPU) Check(MatMulCpu(result.Handle, a.Handle, b.Handle), "mm");
        else
        {
            using var product = a.mm(b);
            result.copy_(product);
        }
        KeepAlive(result, a, b);
        OperationClock.Stop(start, "product");
    }

    /// <summary><paramref name="result"/> += <paramref name="a"/> x <paramref name="b"/>.</summary>
    public static void MatMulAdd(Tensor result, Tensor a, Tensor b)
    {
        var start = OperationClock.Start();
        if (result.device_type == DeviceType.CPU) Check(AddMatMulCpu(result.Handle, result.Handle, a.Handle, b.Handle, 1, 1), "addmm");
        else
        {
            using var product = a.mm(b);
            result.add_(product, HeldScalars.One);
        }
        KeepAlive(result, a, b);
        OperationClock.Stop(start, "product");
    }

    /// <summary>The same for a batch of matrices.</summary>
    public static void BatchMatMul(Tensor result, Tensor a, Tensor b)
    {
        var start = OperationClock.Start();
        if (result.device_type == DeviceType.CPU) Check(BatchMatMulCpu(result.Handle, a.Handle, b.Handle), "bmm");
        else
        {
            using var product = a.bmm(b);
            result.copy_(product);
        }
        KeepAlive(result, a, b);
        OperationClock.Stop(start, "attention product");
    }

    /// <summary>The same for a batch of matrices.</summary>
    public static void BatchMatMulAdd(Tensor result, Tensor a, Tensor b)
    {
        var start = OperationClock.Start();
        if (result.device_type == DeviceType.CPU) Check(BatchAddMatMulCpu(result.Handle, result.Handle, a.Handle, b.Handle, 1, 1), "baddbmm");
        else
        {
            using var product = a.bmm(b);
            result.add_(product, HeldScalars.One);
        }
        KeepAlive(result, a, b);
        OperationClock.Stop(start, "attention product");
    }

    /// <summary>The address of a CPU tensor's first element.</summary>
    public static unsafe T* Address<T>(Tensor tensor) where T : unmanaged => (T*)Data(tensor.Handle);

    private static void KeepAlive(Tensor a, Tensor b, Tensor c)
    {
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
    }

    private static void Check(int code, string operation)
    {
        if (code != 0) throw new InvalidOperationException($"libtorch refused aten::{operation} (the reason is on standard error)");
    }

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_cpu_mm_out")]
    private static partial int MatMulCpu(nint result, nint a, nint b);

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_cpu_addmm_out")]
    private static partial int AddMatMulCpu(nint result, nint self, nint a, nint b, double beta, double alpha);

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_cpu_bmm_out")]
    private static partial int BatchMatMulCpu(nint result, nint a, nint b);

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_cpu_baddbmm_out")]
    private static partial int BatchAddMatMulCpu(nint result, nint self, nint a, nint b, double beta, double alpha);

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint Data(nint tensor);
}
