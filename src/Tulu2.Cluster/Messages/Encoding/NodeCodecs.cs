using System.Buffers;
using MessagePack;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Encoding;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Placement;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Cluster.Messages.Encoding;

/// <summary>The messages of <see cref="NodeProtocol"/>, and those of <see cref="RunProtocol"/> that go between nodes.</summary>
internal static class NodeCodecs
{
    public static WireCodec[] All { get; } =
    [
        WireCodec.For("ni", 0, (ref MessagePackWriter _, NodeProtocol.Invite _) => { }, (ref MessagePackReader _) => NodeProtocol.Invite.Instance),
        WireCodec.For("np", 6,
            (ref MessagePackWriter w, NodeProtocol.Places m) =>
            {
                w.Write(m.Count);
                w.Write(m.Memory.Bytes);
                w.Write(m.Memory.Name);
                List(ref w, m.Living, (ref MessagePackWriter v, Rank rank) => v.Write(rank));
                w.Write(m.RunDirectory);
                w.Write(m.RecipeHash);
            },
            (ref MessagePackReader r) => new NodeProtocol.Places(r.ReadInt32(), new MachineMemory(r.ReadInt64(), Text(ref r)))
            {
                Living = List(ref r, (ref MessagePackReader v) => v.ReadRank()),
                RunDirectory = Text(ref r),
                RecipeHash = Text(ref r),
            }),
        WireCodec.For("nt", 12,
            (ref MessagePackWriter w, NodeProtocol.TakeRanks m) =>
            {
                w.Write(m.Epoch);
                w.Write(m.Coordinator);
                Run(ref w, m.Run);
                List(ref w, m.Ranks, (ref MessagePackWriter v, Rank rank) => v.Write(rank));
            },
            (ref MessagePackReader r) => new NodeProtocol.TakeRanks(
                r.ReadInt64(), Text(ref r), Run(ref r), List(ref r, (ref MessagePackReader v) => v.ReadRank()))),
        WireCodec.For("nl", 0, (ref MessagePackWriter _, NodeProtocol.Leaving _) => { }, (ref MessagePackReader _) => NodeProtocol.Leaving.Instance),
        WireCodec.For("ns", 0, (ref MessagePackWriter _, RunProtocol.StopRanks _) => { }, (ref MessagePackReader _) => RunProtocol.StopRanks.Instance),
        WireCodec.For("nx", 0, (ref MessagePackWriter _, RunProtocol.RanksStopped _) => { }, (ref MessagePackReader _) => RunProtocol.RanksStopped.Instance),
        WireCodec.For("nf", 4,
            (ref MessagePackWriter w, RunProtocol.Fatal m) =>
            {
                Text(ref w, m.Failure.Error);
                Text(ref w, m.Failure.Detail);
                Text(ref w, m.Failure.BadInputWhere);
                Text(ref w, m.Failure.BadInputFix);
            },
            (ref MessagePackReader r) => new RunProtocol.Fatal(new RunFailure(Text(ref r), Text(ref r), r.ReadString(), r.ReadString()))),
    ];

    private static void Run(ref MessagePackWriter writer, NodeRun run)
    {
        writer.Write(run.RunDirectory);
        writer.Write(run.RecipeHash);
        writer.Write(run.Layout.Data);
        writer.Write(run.Layout.Tensor);
        writer.Write(run.Layout.Pipeline);
        writer.Write(run.Layout.Zero);
        writer.Write(run.TotalSteps);
        writer.Write(run.Prefetch);
        writer.Write(run.Key);
    }

    private static NodeRun Run(ref MessagePackReader r) => new(
        Text(ref r), Text(ref r), new ParallelLayout(r.ReadInt32(), r.ReadInt32(), r.ReadInt32(), r.ReadInt32()), r.ReadInt32(), r.ReadInt32(),
        r.ReadBytes() is { } key ? key.ToArray() : throw new MessagePackSerializationException("a key is missing"));
}
