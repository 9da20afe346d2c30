using System.Runtime.InteropServices;

namespace Tulu2.Collectives.Nccl;

/// <summary>The CUDA stream on which a rank's work is enqueued.</summary>
internal interface INcclStream
{
    /// <summary><c>cudaStream_t</c>; 0 is the default stream, which torch uses unless another is selected.</summary>
    nint Handle { get; }

    /// <summary>Whether everything enqueued on the stream is done. Does not wait.</summary>
    bool IsIdle { get; }
}

/// <summary>The default stream of the calling thread's CUDA context, which torch has made current. Never run on a GPU.</summary>
internal sealed partial class DefaultCudaStream : INcclStream
{
    // CUDA_ERROR_NOT_READY
    private const int NotReady = 600;

    public nint Handle => 0;

    public bool IsIdle => Query(0) switch
    {
        0 => true,
        NotReady => false,
        var error => throw new InvalidOperationException($"CUDA: querying the stream failed with error {error}"),
    };

    [LibraryImport("libcuda.so.1", EntryPoint = "cuStreamQuery")]
    private static partial int Query(nint stream);
}

/// <summary>
/// Device memory for a sum by the fixed tree, and the additions in it, on the same stream. The owner of the tensors provides it, because NCCL cannot add two
/// buffers.
/// </summary>
public interface INcclTreeScratch
{
    /// <summary>Address of block <paramref name="rank"/>, which is as large as the largest part.</summary>
    nint Block(int rank);

    /// <summary>Copies elements [<paramref name="first"/>, + <paramref name="count"/>) of this rank's buffer to block <paramref name="rank"/>.</summary>
    void Load(int rank, long first, long count);

    /// <summary>block[left] += block[right], rounded to the element type.</summary>
    void Add(int left, int right, long count);

    /// <summary>Copies block <paramref name="rank"/> to elements [<paramref name="first"/>, + <paramref name="count"/>) of this rank's buffer.</summary>
    void Store(int rank, long first, long count);
}
