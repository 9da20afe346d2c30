using Tulu2.Collectives.Frames;

namespace Tulu2.Collectives.Links;

/// <summary>
/// One direction of a shared segment: a ring of frames. One end writes, the other reads. Memory map of a segment: a page for the token; per direction a page
/// with positions, flags and headers, each on cache lines of its own; then the payloads of both directions.
/// </summary>
internal readonly unsafe struct SharedRing(byte* segment, int direction)
{
    /// <summary>Frames the ring holds.</summary>
    public const int Capacity = 8;

    public const long SegmentBytes = Page + 2L * (Page + Capacity * FrameHeader.MaxPayload);

    private const int Page = 4096, Line = 128;

    private readonly byte* _positions = segment + Page + direction * Page;
    private readonly byte* _payloads = segment + 3 * Page + (long)direction * Capacity * FrameHeader.MaxPayload;

    /// <summary>Values of the wait flags: which thread of an end waits. A call waits on the socket, the watch thread for a Room frame.</summary>
    public const int NoneWaits = 0, CallWaits = 1, WatchWaits = 2;

    /// <summary>Frames written so far.</summary>
    public long Written
    {
        get => Volatile.Read(ref *(long*)_positions);
        set => Volatile.Write(ref *(long*)_positions, value);
    }

    /// <summary>Frames read so far.</summary>
    public long Read
    {
        get => Volatile.Read(ref *(long*)(_positions + Line));
        set => Volatile.Write(ref *(long*)(_positions + Line), value);
    }

    public ref int ReaderWaits => ref *(int*)(_positions + 2 * Line);
    public ref int WriterWaits => ref *(int*)(_positions + 3 * Line);

    public Span<byte> Header(long frame) => new(_positions + 4 * Line + frame % Capacity * 64, FrameHeader.Size);
    public byte* Payload(long frame) => _payloads + frame % Capacity * FrameHeader.MaxPayload;
}
