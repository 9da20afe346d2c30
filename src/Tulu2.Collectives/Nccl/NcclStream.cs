using System.Runtime.InteropServices;

namespace Tulu2.Collectives.Nccl;

/// <summary>The CUDA stream that a rank's work is put on.</summary>
public interface INcclStream
{
    /// <summary><c>cudaStream_t</c>; 0 is the default stream, which is torch's too unless it is told otherwise.</summary>
    nint Handle { get; }

    /// <summary>Everything put on the stream is done. Does not wait.</summary>
    bool IsIdle { get; }
}

/// <summary>The default stream of the calling thread's CUDA context, which torch has made current. Never run on a GPU by its makers.</summary>
internal sealed partial class DefaultCudaStream : INcclStream
{
    private const int NotReady = 600;       // CUDA_ERROR_NOT_READY

    public nint Handle => 0;

    public bool IsIdle => Query(0) switch
    {
        0 => true,
        NotReady => false,
        var error => throw new InvalidOperationException($"CUDA: the stream is in error {error}"),
    };

    [LibraryImport("libcuda.so.1", EntryPoint = "cuStreamQuery")]
    private static partial int Query(nint stream);
}

/// <summary>
/// Device memory for a sum by the fixed tree, and the adds in it, on the same stream: whoever owns the tensors brings it, because NCCL itself cannot add two buffers.
/// </summary>
public interface INcclTreeScratch
{
    /// <summary>Address of block <paramref name="rank"/>, as large as the largest part.</summary>
    nint Block(int rank);

    /// <summary>This rank's elements [<paramref name="first"/>, + <paramref name="count"/>) of what is summed into block <paramref name="rank"/>.</summary>
    void Load(int rank, long first, long count);

    /// <summary>block[left] += block[right], rounded to the element type.</summary>
    void Add(int left, int right, long count);

    /// <summary>Block <paramref name="rank"/> back to where <see cref="Load"/> took it from.</summary>
    void Store(int rank, long first, long count);
}
