using System.Buffers.Binary;
using System.IO.Hashing;

namespace Tulu2.Collectives.Links;

internal enum LinkPurpose : byte
{
    /// <summary>One per pair of ranks, open for the whole generation: presence, orderly departure, death.</summary>
    Control,

    /// <summary>The calls all ranks of a group make together.</summary>
    Calls,

    /// <summary>Messages between two ranks of a group.</summary>
    Messages,
}

/// <summary>Identifies one of the links between two ranks. Each group has links of its own, so calls of different groups never wait for each other.</summary>
/// <param name="Group">Hash of the group's ranks; 0 for the control link.</param>
internal readonly record struct LinkKey(ulong Group, LinkPurpose Purpose)
{
    public static LinkKey Control => default;

    public byte[] ToBytes()
    {
        var bytes = new byte[9];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Group);
        bytes[8] = (byte)Purpose;
        return bytes;
    }

    /// <summary>Reads the key of a link that a peer asks for; the control link cannot be asked for.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out LinkKey key)
    {
        key = bytes.Length == 9 ? new LinkKey(BinaryPrimitives.ReadUInt64LittleEndian(bytes), (LinkPurpose)bytes[8]) : Control;
        return key.Purpose is LinkPurpose.Calls or LinkPurpose.Messages;
    }

    /// <param name="ranks">Ranks of the group, by their numbers in the generation.</param>
    public static ulong HashOf(ReadOnlySpan<int> ranks)
    {
        var bytes = new byte[ranks.Length * sizeof(int)];
        for (var index = 0; index < ranks.Length; index++) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(index * sizeof(int)), ranks[index]);
        return XxHash3.HashToUInt64(bytes);
    }
}
