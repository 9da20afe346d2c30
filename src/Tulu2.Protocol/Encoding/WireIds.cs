using MessagePack;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Encoding;

/// <summary>Ids as they come from the wire, where they are bare numbers.</summary>
public static class WireIds
{
    public static Rank ReadRank(this ref MessagePackReader reader) => new(reader.ReadInt32());

    public static Generation ReadGeneration(this ref MessagePackReader reader) => new(reader.ReadInt64());

    public static Incarnation ReadIncarnation(this ref MessagePackReader reader) => new(reader.ReadInt64());

    public static StepNumber ReadStep(this ref MessagePackReader reader) => new(reader.ReadInt32());

    public static SlotNumber ReadSlot(this ref MessagePackReader reader) => new(reader.ReadInt32());
}
