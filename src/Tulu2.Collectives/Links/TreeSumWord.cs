using System.Buffers.Binary;

namespace Tulu2.Collectives.Links;

/// <summary>What a rank tells the others before a tree sum.</summary>
internal sealed record TreeSumWord(int Slots, long Length, ElementRange Wanted, SlotRange[] Held)
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

    /// <exception cref="ArgumentException">Another call's word.</exception>
    public static TreeSumWord Read(byte[] bytes)
    {
        if (bytes.Length < Head || (bytes.Length - Head) % 8 != 0) throw new ArgumentException($"{bytes.Length} bytes are no word of a tree sum: the ranks are in different calls");
        var held = new SlotRange[(bytes.Length - Head) / 8];
        for (var index = 0; index < held.Length; index++)
            held[index] = new SlotRange(BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(Head + 8 * index)), BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(Head + 8 * index + 4)));
        return new TreeSumWord(BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(4)),
            new ElementRange(BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(12)), BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(20))), held);
    }

    public override string ToString() => $"{Slots} slots of {Length} floats";
}
