using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.SharedMemory;

/// <summary>
/// One direction of a shared segment: a ring of slots, each for one frame. One end writes, the other reads. Layout of a segment: a page for the token, then for each
/// direction a page with the positions, flags and headers, each on cache lines of its own, then both directions' payloads.
/// </summary>
internal readonly unsafe struct SharedRing(byte* segment, int direction)
{
    public const int Slots = 8;
    public const long SegmentBytes = Page + 2L * (Page + Slots * FrameHeader.MaxPayload);

    private const int Page = 4096, Line = 128;

    private readonly byte* _words = segment + Page + direction * Page;
    private readonly byte* _payloads = segment + 3 * Page + (long)direction * Slots * FrameHeader.MaxPayload;

    /// <summary>Who of the writing end waits for room.</summary>
    public const int NobodyWaits = 0, CallWaits = 1, WatchWaits = 2;

    /// <summary>Frames written since the beginning.</summary>
    public long Written
    {
        get => Volatile.Read(ref *(long*)_words);
        set => Volatile.Write(ref *(long*)_words, value);
    }

    /// <summary>Frames read since the beginning.</summary>
    public long Read
    {
        get => Volatile.Read(ref *(long*)(_words + Line));
        set => Volatile.Write(ref *(long*)(_words + Line), value);
    }

    public ref int ReaderWaits => ref *(int*)(_words + 2 * Line);
    public ref int WriterWaits => ref *(int*)(_words + 3 * Line);

    public Span<byte> Header(long frame) => new(_words + 4 * Line + frame % Slots * 64, FrameHeader.Size);
    public byte* Payload(long frame) => _payloads + frame % Slots * FrameHeader.MaxPayload;
}
