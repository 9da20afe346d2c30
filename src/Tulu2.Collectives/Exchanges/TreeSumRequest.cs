using System.Buffers.Binary;

namespace Tulu2.Collectives.Exchanges;

/// <summary>What each rank tells the others before a tree sum: the call's sizes, the elements it wants, and the nodes it holds.</summary>
internal sealed record TreeSumRequest(int Slots, long Length, ElementRange Wanted, SlotRange[] Held)
{
    private const int Head = 28;

    public static byte[] Write(int slots, long length, ElementRange wanted, IReadOnlyList<PartialSum> local)
    {
        var bytes = new byte[Head + 8 * local.Count];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, slots);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(4), length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(12), wanted.First);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(20), wanted.Count);
        for (var index = 0; index < local.Count; index++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(Head + 8 * index), local[index].Range.First);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(Head + 8 * index + 4), local[index].Range.Count);
        }
        return bytes;
    }

    /// <exception cref="ArgumentException">The bytes belong to another call.</exception>
    public static TreeSumRequest Read(byte[] bytes)
    {
        if (bytes.Length < Head || (bytes.Length - Head) % 8 != 0)
            throw new ArgumentException($"{bytes.Length} bytes are not the request of a tree sum: the ranks are in different calls");
        var held = new SlotRange[(bytes.Length - Head) / 8];
        for (var index = 0; index < held.Length; index++)
        {
            var at = bytes.AsSpan(Head + 8 * index);
            held[index] = new SlotRange(BinaryPrimitives.ReadInt32LittleEndian(at), BinaryPrimitives.ReadInt32LittleEndian(at[4..]));
        }
        return new TreeSumRequest(BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(4)),
            new ElementRange(BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(12)), BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(20))), held);
    }

    public override string ToString() => $"{Slots} slots of {Length} floats";
}
