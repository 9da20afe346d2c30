using MessagePack;
using Tulu2.Protocol.Encoding;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Cluster.Messages.Encoding;

/// <summary>The messages of <see cref="CheckpointProtocol"/>.</summary>
internal static class CheckpointCodecs
{
    public static WireCodec[] All { get; } =
    [
        WireCodec.For("ks", 7,
            (ref MessagePackWriter w, CheckpointProtocol.ShardPart m) =>
            {
                w.Write(m.Rank);
                w.Write(m.Step);
                w.Write(m.Sha256);
                w.Write(m.Bytes);
                w.Write(m.Part);
                w.Write(m.Parts);
                List(ref w, m.Tensors, WorkerCodecs.Tensor);
            },
            (ref MessagePackReader r) => new CheckpointProtocol.ShardPart(
                r.ReadRank(), r.ReadStep(), Text(ref r), r.ReadInt64(), r.ReadInt32(), r.ReadInt32(), List(ref r, WorkerCodecs.Tensor))),
        WireCodec.For("kf", 3,
            (ref MessagePackWriter w, CheckpointProtocol.ShardFailed m) => { w.Write(m.Rank); w.Write(m.Step); Text(ref w, m.Error); },
            (ref MessagePackReader r) => new CheckpointProtocol.ShardFailed(r.ReadRank(), r.ReadStep(), Text(ref r))),
        WireCodec.For("kt", 3,
            (ref MessagePackWriter w, CheckpointProtocol.SnapshotTaken m) => { w.Write(m.Rank); w.Write(m.Step); w.Write(m.Seconds); },
            (ref MessagePackReader r) => new CheckpointProtocol.SnapshotTaken(r.ReadRank(), r.ReadStep(), r.ReadDouble())),
    ];
}
