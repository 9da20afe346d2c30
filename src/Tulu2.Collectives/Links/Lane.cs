using System.Buffers.Binary;
using System.IO.Hashing;

namespace Tulu2.Collectives.Links;

internal enum LanePurpose : byte
{
    /// <summary>One for each pair, kept for the generation's whole life: who is there, who leaves, who is gone.</summary>
    Control,

    /// <summary>The calls that all ranks of a group make together.</summary>
    Calls,

    /// <summary>Messages between two ranks of a group.</summary>
    Messages,
}

/// <summary>Which of the connections between two ranks. Each group has its own, so that calls of different groups never wait for each other.</summary>
/// <param name="Group">Made from the group's ranks; 0 for the control connection.</param>
internal readonly record struct Lane(ulong Group, LanePurpose Purpose)
{
    public static Lane Control => default;

    public byte[] ToBytes()
    {
        var bytes = new byte[9];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Group);
        bytes[8] = (byte)Purpose;
        return bytes;
    }

    public static bool TryRead(ReadOnlySpan<byte> bytes, out Lane lane)
    {
        lane = bytes.Length == 9 ? new Lane(BinaryPrimitives.ReadUInt64LittleEndian(bytes), (LanePurpose)bytes[8]) : Control;
        return lane.Purpose is LanePurpose.Calls or LanePurpose.Messages;
    }

    /// <param name="ranks">Numbers within the generation.</param>
    public static ulong GroupOf(ReadOnlySpan<int> ranks)
    {
        var bytes = new byte[ranks.Length * sizeof(int)];
        for (var index = 0; index < ranks.Length; index++) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(index * sizeof(int)), ranks[index]);
        return XxHash3.HashToUInt64(bytes);
    }
}
