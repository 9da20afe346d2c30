using MessagePack;
using Tulu2.Cluster.Ranks;
using Tulu2.Collectives;
using Tulu2.Training.Workers;
using static Tulu2.Cluster.Wire.WireFields;

namespace Tulu2.Cluster.Wire;

/// <summary>The messages of <see cref="RankProtocol"/>.</summary>
internal static class RankCodecs
{
    public static WireCodec[] All { get; } =
    [
        WireCodec.For("ru", 3,
            (ref MessagePackWriter w, RankProtocol.Up m) => { w.Write(m.Rank); w.Write(m.Incarnation); Text(ref w, m.Endpoint); },
            (ref MessagePackReader r) => new RankProtocol.Up(r.ReadInt32(), r.ReadInt64(), Text(ref r))),
        WireCodec.For("rl", 3,
            (ref MessagePackWriter w, RankProtocol.Lost m) => { w.Write(m.Rank); w.Write(m.Incarnation); Text(ref w, m.Why); },
            (ref MessagePackReader r) => new RankProtocol.Lost(r.ReadInt32(), r.ReadInt64(), Text(ref r))),
        WireCodec.For("rb", 5,
            (ref MessagePackWriter w, RankProtocol.BadInput m) =>
            {
                w.Write(m.Rank);
                Text(ref w, m.Error);
                Text(ref w, m.Detail);
                Text(ref w, m.Where);
                Text(ref w, m.Mend);
            },
            (ref MessagePackReader r) => new RankProtocol.BadInput(r.ReadInt32(), Text(ref r), Text(ref r), Text(ref r), r.ReadString())),
        WireCodec.For("rc", 2,
            (ref MessagePackWriter w, RankProtocol.ScoreChunk m) => { w.Write(m.Generation); w.Write(m.Chunk); },
            (ref MessagePackReader r) => new RankProtocol.ScoreChunk(r.ReadInt64(), r.ReadInt32())),
        WireCodec.For("rr", 2,
            (ref MessagePackWriter w, RankProtocol.Replace m) => { w.Write(m.Incarnation); Text(ref w, m.Why); },
            (ref MessagePackReader r) => new RankProtocol.Replace(r.ReadInt64(), Text(ref r))),

        WireCodec.For("cj", 3,
            (ref MessagePackWriter w, WorkerCommand.JoinGeneration m) => { w.Write(m.Generation); w.Write(m.Rank); Texts(ref w, m.Endpoints); },
            (ref MessagePackReader r) => new WorkerCommand.JoinGeneration(r.ReadInt64(), r.ReadInt32(), Texts(ref r))),
        WireCodec.For("cb", 5,
            (ref MessagePackWriter w, WorkerCommand.Begin m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Step);
                Transfer(ref w, m.Transfer);
                Ranges(ref w, m.Keep);
                Ranges(ref w, m.Compute);
            },
            (ref MessagePackReader r) => new WorkerCommand.Begin(r.ReadInt64(), r.ReadInt32(), Transfer(ref r), Ranges(ref r), Ranges(ref r))),
        WireCodec.For("cc", 4,
            (ref MessagePackWriter w, WorkerCommand.Commit m) => { w.Write(m.Generation); w.Write(m.Step); w.Write(m.Snapshot); w.Write(m.Last); },
            (ref MessagePackReader r) => new WorkerCommand.Commit(r.ReadInt64(), r.ReadInt32(), r.ReadBoolean(), r.ReadBoolean())),

        WireCodec.For("wj", 5,
            (ref MessagePackWriter w, WorkerReport.Joined m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                w.Write(m.StateStep);
                Ranges(ref w, m.Held);
                w.Write(m.Reduced);
            },
            (ref MessagePackReader r) => new WorkerReport.Joined(r.ReadInt64(), r.ReadInt32(), r.ReadInt32(), Ranges(ref r), r.ReadBoolean())),
        WireCodec.For("wd", 5,
            (ref MessagePackWriter w, WorkerReport.SlotDone m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                w.Write(m.Step);
                w.Write(m.Slot);
                w.Write(m.Seconds);
            },
            (ref MessagePackReader r) => new WorkerReport.SlotDone(r.ReadInt64(), r.ReadInt32(), r.ReadInt32(), r.ReadInt32(), r.ReadDouble())),
        WireCodec.For("wr", 6,
            (ref MessagePackWriter w, WorkerReport.StepReady m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                w.Write(m.Step);
                Text(ref w, m.GradientHash);
                Metrics(ref w, m.Metrics);
                Times(ref w, m.Times);
            },
            (ref MessagePackReader r) => new WorkerReport.StepReady(r.ReadInt64(), r.ReadInt32(), r.ReadInt32(), Text(ref r), Metrics(ref r), Times(ref r))),
        WireCodec.For("wa", 5,
            (ref MessagePackWriter w, WorkerReport.Applied m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                w.Write(m.Step);
                w.Write(m.Seconds);
                Text(ref w, m.ParametersSha256);
            },
            (ref MessagePackReader r) => new WorkerReport.Applied(r.ReadInt64(), r.ReadInt32(), r.ReadInt32(), r.ReadDouble(), r.ReadString())),
        WireCodec.For("ws", 4,
            (ref MessagePackWriter w, WorkerReport.Scored m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                w.Write(m.Task);
                List(ref w, m.LogProbabilities, (ref MessagePackWriter v, float value) => v.Write(value));
            },
            (ref MessagePackReader r) => new WorkerReport.Scored(r.ReadInt64(), r.ReadInt32(), r.ReadInt32(),
                [.. List(ref r, (ref MessagePackReader v) => v.ReadSingle())])),
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

    private static void Ranges(ref MessagePackWriter writer, IReadOnlyList<SlotRange> ranges) =>
        List(ref writer, ranges, (ref MessagePackWriter w, SlotRange range) => { w.Write(range.First); w.Write(range.Count); });

    private static IReadOnlyList<SlotRange> Ranges(ref MessagePackReader reader) =>
        List(ref reader, (ref MessagePackReader r) => new SlotRange(r.ReadInt32(), r.ReadInt32()));

    private static void Transfer(ref MessagePackWriter writer, StateTransfer transfer)
    {
        switch (transfer)
        {
            case StateTransfer.None:
                writer.Write(0);
                break;
            case StateTransfer.FromRecipe:
                writer.Write(1);
                break;
            case StateTransfer.FromManifest manifest:
                writer.Write(2);
                writer.Write(manifest.Path);
                break;
            case StateTransfer.FromPeer peer:
                writer.Write(3);
                List(ref writer, peer.Copies, (ref MessagePackWriter w, PeerCopy copy) =>
                {
                    w.Write(copy.Root);
                    List(ref w, copy.Receivers, (ref MessagePackWriter inner, int receiver) => inner.Write(receiver));
                });
                break;
        }
    }

    private static StateTransfer Transfer(ref MessagePackReader reader) => reader.ReadInt32() switch
    {
        0 => new StateTransfer.None(),
        1 => new StateTransfer.FromRecipe(),
        2 => new StateTransfer.FromManifest(Text(ref reader)),
        3 => new StateTransfer.FromPeer(List(ref reader, (ref MessagePackReader r) =>
            new PeerCopy(r.ReadInt32(), List(ref r, (ref MessagePackReader inner) => inner.ReadInt32())))),
        var kind => throw new MessagePackSerializationException($"unknown state transfer {kind}"),
    };

    private static void Metrics(ref MessagePackWriter writer, StepMetrics metrics)
    {
        writer.Write(metrics.Loss);
        writer.Write(metrics.GradientNorm);
        writer.Write(metrics.LearningRate);
        writer.Write(metrics.Tokens);
        writer.Write(metrics.LossTokens);
        writer.Write(metrics.Preference is not null);
        if (metrics.Preference is not { } preference) return;
        writer.Write(preference.RewardsChosen);
        writer.Write(preference.RewardsRejected);
        writer.Write(preference.RewardsMargin);
        writer.Write(preference.RewardsAccuracy);
        writer.Write(preference.LogpsChosen);
        writer.Write(preference.LogpsRejected);
    }

    private static StepMetrics Metrics(ref MessagePackReader r) => new(r.ReadDouble(), r.ReadDouble(), r.ReadDouble(), r.ReadInt64(), r.ReadInt64(),
        r.ReadBoolean() ? new PreferenceMetrics(r.ReadDouble(), r.ReadDouble(), r.ReadDouble(), r.ReadDouble(), r.ReadDouble(), r.ReadDouble()) : null);

    private static void Times(ref MessagePackWriter writer, StepTimes times)
    {
        writer.Write(times.Compute);
        writer.Write(times.WaitForData);
        writer.Write(times.Reduce);
        writer.Write(times.WaitForCommit);
    }

    private static StepTimes Times(ref MessagePackReader r) => new(r.ReadDouble(), r.ReadDouble(), r.ReadDouble(), r.ReadDouble());
}
