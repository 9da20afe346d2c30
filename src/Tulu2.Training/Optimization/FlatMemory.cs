using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Tulu2.Training.Optimization;

/// <summary>The bytes of flat, contiguous tensors in host memory.</summary>
public static unsafe class FlatMemory
{
    // A span has fewer than 2^31 elements; longer buffers are processed in pieces.
    private const int Piece = 1 << 28;

    /// <summary>Address of the first element; valid while the tensor is alive.</summary>
    /// <exception cref="ArgumentException">The tensor is not contiguous.</exception>
    public static nint Address(Tensor tensor)
    {
        if (!tensor.is_contiguous()) throw new ArgumentException("tensor: not contiguous");
        return Native.Data(tensor.Handle);
    }

    public static Span<float> Floats(nint address, long offset, int length) => new((float*)address + offset, length);

    /// <summary>Calls <paramref name="each"/> with consecutive pieces of the bytes at <paramref name="address"/>.</summary>
    public static void ForEachPiece(nint address, long bytes, Action<ReadOnlySpan<byte>> each)
    {
        for (long done = 0; done < bytes; done += Piece)
            each(new ReadOnlySpan<byte>((byte*)address + done, (int)Math.Min(Piece, bytes - done)));
    }

    private static class Native
    {
        [DllImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
        internal static extern nint Data(nint tensor);
    }
}
