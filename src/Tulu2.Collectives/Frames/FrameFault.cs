namespace Tulu2.Collectives.Frames;

/// <summary>Why bytes received from a peer were rejected.</summary>
internal enum FrameFault
{
    None,

    /// <summary>Not a header, or a header with flipped bits.</summary>
    CorruptHeader,

    /// <summary>The payload's checksum differs from the one in the header.</summary>
    CorruptPayload,

    /// <summary>The frame belongs to another generation.</summary>
    WrongGeneration,

    /// <summary>The frame was sent before, or a frame before it is missing.</summary>
    OutOfOrder,

    /// <summary>Longer than a frame may be.</summary>
    Oversized,

    /// <summary>A valid frame, but not the one this call expects: the ranks are in different calls or disagree on sizes.</summary>
    Unexpected,
}

/// <summary>A peer sent invalid bytes, which ended the generation.</summary>
/// <param name="peer">The peer's rank in the generation.</param>
internal sealed class FrameFaultException(long generation, int peer, FrameFault fault)
    : CollectiveAbortedException(generation, $"invalid bytes from rank {peer}: {fault}")
{
    public int Peer { get; } = peer;
    public FrameFault Fault { get; } = fault;
}
