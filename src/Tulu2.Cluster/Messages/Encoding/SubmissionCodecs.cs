using MessagePack;
using Tulu2.Protocol.Encoding;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Cluster.Messages.Encoding;

/// <summary>The messages of <see cref="SubmissionProtocol"/>. "ul" and "ue" are taken by messages that are gone.</summary>
internal static class SubmissionCodecs
{
    private const int NotEnded = -1;

    public static WireCodec[] All { get; } =
    [
        WireCodec.For("us", 6,
            (ref MessagePackWriter w, SubmissionProtocol.Submit m) =>
            {
                w.Write(m.Run.Id);
                w.Write(m.Run.Title);
                w.Write(m.Run.Recipe);
                w.Write(m.Run.RunDirectory);
                w.Write(m.Run.Json);
                w.Write(m.Run.Force);
            },
            (ref MessagePackReader r) => new SubmissionProtocol.Submit(
                new Submission(Text(ref r), Text(ref r), Text(ref r), Text(ref r), r.ReadBoolean(), r.ReadBoolean()))),
        WireCodec.For("uh", 3,
            (ref MessagePackWriter w, SubmissionProtocol.Heard m) => { w.Write(m.Id); w.Write(m.Source); w.Write(m.Lines); },
            (ref MessagePackReader r) => new SubmissionProtocol.Heard(Text(ref r), Text(ref r), r.ReadInt32())),
        WireCodec.For("uc", 1,
            (ref MessagePackWriter w, SubmissionProtocol.Cancel m) => w.Write(m.Id),
            (ref MessagePackReader r) => new SubmissionProtocol.Cancel(Text(ref r))),
        WireCodec.For("uz", 2,
            (ref MessagePackWriter w, SubmissionProtocol.Scale m) => { w.Write(m.Id); w.Write(m.Data); },
            (ref MessagePackReader r) => new SubmissionProtocol.Scale(Text(ref r), r.ReadInt32())),
        WireCodec.For("ud", 4,
            (ref MessagePackWriter w, SubmissionProtocol.Scaled m) => { w.Write(m.Id); Text(ref w, m.Where); Text(ref w, m.What); Text(ref w, m.Fix); },
            (ref MessagePackReader r) => new SubmissionProtocol.Scaled(Text(ref r), Text(ref r), Text(ref r), Text(ref r))),
        WireCodec.For("ua", 0,
            (ref MessagePackWriter _, SubmissionProtocol.AskStatus _) => { }, (ref MessagePackReader _) => SubmissionProtocol.AskStatus.Instance),
        WireCodec.For("ui", 1,
            (ref MessagePackWriter w, SubmissionProtocol.Accepted m) => w.Write(m.Id),
            (ref MessagePackReader r) => new SubmissionProtocol.Accepted(Text(ref r))),
        WireCodec.For("uk", 1,
            (ref MessagePackWriter w, SubmissionProtocol.Cancelling m) => w.Write(m.Id),
            (ref MessagePackReader r) => new SubmissionProtocol.Cancelling(Text(ref r))),
        WireCodec.For("uw", 6,
            (ref MessagePackWriter w, SubmissionProtocol.Line m) =>
            {
                w.Write(m.Id);
                w.Write(m.Source);
                w.Write(m.After);
                w.Write(m.Number);
                w.Write(m.IsError);
                Text(ref w, m.Text);
            },
            (ref MessagePackReader r) => new SubmissionProtocol.Line(Text(ref r), Text(ref r), r.ReadInt32(), r.ReadInt32(), r.ReadBoolean(), Text(ref r))),
        WireCodec.For("uo", 4,
            (ref MessagePackWriter w, SubmissionProtocol.Over m) => { w.Write(m.Id); w.Write(m.Source); w.Write(m.Lines); w.Write(m.ExitCode); },
            (ref MessagePackReader r) => new SubmissionProtocol.Over(Text(ref r), Text(ref r), r.ReadInt32(), r.ReadInt32())),
        WireCodec.For("un", 2,
            (ref MessagePackWriter w, SubmissionProtocol.Nodes m) => { w.Write(m.Total); List(ref w, m.Part, Node); },
            (ref MessagePackReader r) => new SubmissionProtocol.Nodes(r.ReadInt32(), List(ref r, Node))),
        WireCodec.For("ur", 5,
            (ref MessagePackWriter w, SubmissionProtocol.RunStatus m) =>
            {
                w.Write(m.Coordinator);
                Run(ref w, m.Current);
                Run(ref w, m.Last);
                w.Write(m.Current?.Goodput ?? double.NaN);
                w.Write(m.Last?.Goodput ?? double.NaN);
            },
            (ref MessagePackReader r) => With(new SubmissionProtocol.RunStatus(Text(ref r), Run(ref r), Run(ref r)), r.ReadDouble(), r.ReadDouble())),
    ];

    private static void Node(ref MessagePackWriter writer, NodeView node)
    {
        writer.Write(node.Address);
        List(ref writer, node.Roles, (ref MessagePackWriter w, string role) => w.Write(role));
        writer.Write(node.Status);
        writer.Write(node.Reachable);
    }

    private static NodeView Node(ref MessagePackReader reader) => new(
        Text(ref reader), List(ref reader, (ref MessagePackReader r) => Text(ref r)), Text(ref reader), reader.ReadBoolean());

    private static void Run(ref MessagePackWriter writer, RunView? run)
    {
        writer.Write(run is not null);
        if (run is null) return;
        writer.Write(run.Id);
        writer.Write(run.Title);
        writer.Write(run.Directory);
        writer.Write(run.State);
        writer.Write(run.Step);
        writer.Write(run.Steps);
        writer.Write(run.Generation);
        writer.Write(run.Ranks);
        writer.Write(run.Missing);
        writer.Write(run.ExitCode ?? NotEnded);
    }

    private static SubmissionProtocol.RunStatus With(SubmissionProtocol.RunStatus status, double current, double last) => status with
    {
        Current = status.Current is null ? null : status.Current with { Goodput = Known(current) },
        Last = status.Last is null ? null : status.Last with { Goodput = Known(last) },
    };

    private static double? Known(double goodput) => double.IsNaN(goodput) ? null : goodput;

    private static RunView? Run(ref MessagePackReader reader) => !reader.ReadBoolean() ? null : new RunView(
        Text(ref reader), Text(ref reader), Text(ref reader), Text(ref reader), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt32(),
        reader.ReadInt32(), reader.ReadInt32() is var code && code == NotEnded ? null : code);
}
