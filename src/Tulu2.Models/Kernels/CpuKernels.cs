using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

/// <summary>Kernels for tensors in host memory, one thread, sixteen lanes. See <see cref="BlockKernels"/> for shapes.</summary>
internal sealed unsafe partial class CpuKernels<T>(HeadGeometry heads, RotaryTable rotary) : BlockKernels(heads, rotary) where T : unmanaged, IElement<T>
{
    private static T* Data(Tensor tensor) => Aten.Address<T>(tensor);

    private static float* Single(Tensor tensor) => Aten.Address<float>(tensor);
}
