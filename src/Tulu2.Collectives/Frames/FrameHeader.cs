using System.Buffers.Binary;
using System.IO.Hashing;

namespace Tulu2.Collectives.Frames;

/// <summary>
/// The 48 bytes before each payload: magic (2 bytes), kind (2), payload length (4), generation (8), sequence number (8), argument (8), payload checksum (8),
/// checksum of all preceding header bytes (8); little-endian. Both checksums are XXH3 with a seed that both ends of a connection derived in their handshake, so
/// a frame recorded on another connection is invalid on this one.
/// </summary>
internal readonly record struct FrameHeader(FrameKind Kind, int Length, long Generation, long Sequence, long Argument, ulong PayloadChecksum)
{
    public const int Size = 48;

    /// <summary>Maximum payload in bytes. Small enough for a chunk to stay in the second-level cache between its arrival and its addition.</summary>
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

    /// <summary>Reads a header and compares it with what the connection expects next. <paramref name="header"/> is only set if there is no fault.</summary>
    public static FrameFault Read(ReadOnlySpan<byte> source, ulong seed, long generation, long sequence, out FrameHeader header)
    {
        header = default;
        if (BinaryPrimitives.ReadUInt16LittleEndian(source) != Magic) return FrameFault.CorruptHeader;
        if (BinaryPrimitives.ReadUInt64LittleEndian(source[40..]) != Checksum(source[..40], seed)) return FrameFault.CorruptHeader;
        var read = new FrameHeader((FrameKind)BinaryPrimitives.ReadUInt16LittleEndian(source[2..]), BinaryPrimitives.ReadInt32LittleEndian(source[4..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[8..]), BinaryPrimitives.ReadInt64LittleEndian(source[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[24..]), BinaryPrimitives.ReadUInt64LittleEndian(source[32..]));
        if (read.Generation != generation) return FrameFault.WrongGeneration;
        if (read.Sequence != sequence) return FrameFault.OutOfOrder;
        if (read.Length is < 0 or > MaxPayload) return FrameFault.Oversized;
        if (!Enum.IsDefined(read.Kind)) return FrameFault.CorruptHeader;
        header = read;
        return FrameFault.None;
    }

    public static ulong Checksum(ReadOnlySpan<byte> bytes, ulong seed) => XxHash3.HashToUInt64(bytes, unchecked((long)seed));
}
