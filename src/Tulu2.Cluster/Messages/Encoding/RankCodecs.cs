using MessagePack;
using Tulu2.Protocol.Encoding;
using Tulu2.Protocol.Workers;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Cluster.Messages.Encoding;

/// <summary>The messages of <see cref="RankProtocol"/>.</summary>
internal static class RankCodecs
{
    private const long NotKnown = -1;

    public static WireCodec[] All { get; } =
    [
        WireCodec.For("ru", 3,
            (ref MessagePackWriter w, RankProtocol.Up m) => { w.Write(m.Rank); w.Write(m.Incarnation); Text(ref w, m.Endpoint); },
            (ref MessagePackReader r) => new RankProtocol.Up(r.ReadRank(), r.ReadIncarnation(), Text(ref r))),
        WireCodec.For("rl", 5,
            (ref MessagePackWriter w, RankProtocol.Lost m) =>
            {
                w.Write(m.Rank);
                w.Write(m.Incarnation);
                Text(ref w, m.Why);
                w.Write(m.OfMemory);
                w.Write(m.Ago?.Ticks ?? NotKnown);
            },
            (ref MessagePackReader r) => new RankProtocol.Lost(r.ReadRank(), r.ReadIncarnation(), Text(ref r))
            {
                OfMemory = r.ReadBoolean(),
                Ago = r.ReadInt64() is var ticks && ticks == NotKnown ? null : TimeSpan.FromTicks(ticks),
            }),
        WireCodec.For("rv", 3,
            (ref MessagePackWriter w, RankProtocol.Leaving m) => { w.Write(m.Rank); w.Write(m.Incarnation); Text(ref w, m.Why); },
            (ref MessagePackReader r) => new RankProtocol.Leaving(r.ReadRank(), r.ReadIncarnation(), Text(ref r))),
        WireCodec.For("rx", 0, (ref MessagePackWriter _, RankProtocol.Release _) => { }, (ref MessagePackReader _) => RankProtocol.Release.Instance),
        WireCodec.For("rb", 5,
            (ref MessagePackWriter w, RankProtocol.BadInput m) =>
            {
                w.Write(m.Rank);
                Text(ref w, m.Error);
                Text(ref w, m.Detail);
                Text(ref w, m.Where);
                Text(ref w, m.Fix);
            },
            (ref MessagePackReader r) => new RankProtocol.BadInput(r.ReadRank(), Text(ref r), Text(ref r), r.ReadString(), r.ReadString())),
        WireCodec.For("rc", 3,
            (ref MessagePackWriter w, RankProtocol.ScoreChunk m) => { w.Write(m.Generation); w.Write(m.Step); w.Write(m.Chunk); },
            (ref MessagePackReader r) => new RankProtocol.ScoreChunk(r.ReadGeneration(), r.ReadStep(), r.ReadInt32())),
        WireCodec.For("rr", 2,
            (ref MessagePackWriter w, RankProtocol.Replace m) => { w.Write(m.Incarnation); Text(ref w, m.Why); },
            (ref MessagePackReader r) => new RankProtocol.Replace(r.ReadIncarnation(), Text(ref r))),
        .. WorkerCodecs.BetweenNodes,
    ];

    public static object Unwrap(object message) => message switch
    {
        RankProtocol.Command command => command.Body,
        RankProtocol.Report report => report.Body,
        _ => message,
    };

    public static object Wrap(object body) => body switch
    {
        WorkerCommand command => new RankProtocol.Command(command),
        WorkerReport report => new RankProtocol.Report(report),
        _ => body,
    };
}
