using System.Buffers.Binary;
using System.IO.Hashing;

namespace Tulu2.Collectives.Wire;

/// <summary>What a frame carries.</summary>
internal enum FrameKind : ushort
{
    /// <summary>A piece of an all-gather, broadcast or barrier. Argument: the bytes that the sender gives in all.</summary>
    Copy = 1,

    /// <summary>Summands of one chunk of a reduction. Argument: the chunk's first element.</summary>
    Summands,

    /// <summary>One chunk of a reduction's result. Argument: as with its summands.</summary>
    Result,

    /// <summary>A piece of a message from one rank to another. Argument: the whole message's bytes.</summary>
    Message,

    /// <summary>Control: the sender leaves in an orderly way.</summary>
    Goodbye,

    /// <summary>Control: the generation is over. Payload: why.</summary>
    Abort,

    /// <summary>Control: the sender needs a connection that is the receiver's to make. Payload: which.</summary>
    Open,

    /// <summary>Control: a ring that was full has room again.</summary>
    Room,
}

/// <summary>What is wrong with bytes that a peer sent.</summary>
public enum WireFault
{
    None,

    /// <summary>Not a header at all, or one with flipped bits.</summary>
    CorruptHeader,

    /// <summary>The payload does not have the checksum that the header names.</summary>
    CorruptPayload,

    /// <summary>Of another generation.</summary>
    WrongGeneration,

    /// <summary>Sent before, or one before it is missing.</summary>
    OutOfOrder,

    /// <summary>Longer than a frame may be.</summary>
    Oversized,

    /// <summary>A sound frame, but not the one that this call has to receive: the ranks are in different calls, or disagree on sizes.</summary>
    Unexpected,
}

/// <summary>
/// What stands before each payload: magic (2 bytes), kind (2), length of the payload (4), generation (8), sequence number (8), argument (8), checksum of the
/// payload (8), checksum of all before (8); little-endian. Both checksums are XXH3 with a seed that both ends of a connection agreed on in their handshake, so
/// that a frame recorded on another connection is not sound on this one.
/// </summary>
internal readonly record struct FrameHeader(FrameKind Kind, int Length, long Generation, long Sequence, long Argument, ulong PayloadChecksum)
{
    public const int Size = 48;

    /// <summary>Longest payload. Small enough that a chunk stays in the second-level cache between its arrival and its addition.</summary>
    public const int MaxPayload = 128 * 1024;

    private const ushort Magic = 0x7532;

    public void Write(Span<byte> target, ulong seed)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(target[2..], (ushort)Kind);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], Length);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], Generation);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], Argument);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], PayloadChecksum);
        BinaryPrimitives.WriteUInt64LittleEndian(target[40..], Checksum(target[..40], seed));
    }

    /// <summary>Reads a header and holds it against what the connection expects next. Nothing of an unsound header is to be used.</summary>
    public static WireFault Read(ReadOnlySpan<byte> source, ulong seed, long generation, long sequence, out FrameHeader header)
    {
        header = default;
        if (BinaryPrimitives.ReadUInt16LittleEndian(source) != Magic) return WireFault.CorruptHeader;
        if (BinaryPrimitives.ReadUInt64LittleEndian(source[40..]) != Checksum(source[..40], seed)) return WireFault.CorruptHeader;
        var read = new FrameHeader((FrameKind)BinaryPrimitives.ReadUInt16LittleEndian(source[2..]), BinaryPrimitives.ReadInt32LittleEndian(source[4..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[8..]), BinaryPrimitives.ReadInt64LittleEndian(source[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[24..]), BinaryPrimitives.ReadUInt64LittleEndian(source[32..]));
        if (read.Generation != generation) return WireFault.WrongGeneration;
        if (read.Sequence != sequence) return WireFault.OutOfOrder;
        if (read.Length is < 0 or > MaxPayload) return WireFault.Oversized;
        if (!Enum.IsDefined(read.Kind)) return WireFault.CorruptHeader;
        header = read;
        return WireFault.None;
    }

    public static ulong Checksum(ReadOnlySpan<byte> bytes, ulong seed) => XxHash3.HashToUInt64(bytes, unchecked((long)seed));
}
