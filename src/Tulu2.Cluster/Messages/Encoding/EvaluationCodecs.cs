using MessagePack;
using Tulu2.Evaluation.Workers;
using Tulu2.Protocol.Encoding;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Cluster.Messages.Encoding;

/// <summary>The messages of <see cref="EvaluationProtocol"/>. "ed" is taken by a message that is gone.</summary>
internal static class EvaluationCodecs
{
    public static WireCodec[] All { get; } =
    [
        WireCodec.For("ei", 1,
            (ref MessagePackWriter w, EvaluationProtocol.Idle m) => w.Write(m.Evaluator),
            (ref MessagePackReader r) => new EvaluationProtocol.Idle(Text(ref r))),
        WireCodec.For("eb", 1,
            (ref MessagePackWriter w, EvaluationProtocol.Busy m) => w.Write(m.Evaluator),
            (ref MessagePackReader r) => new EvaluationProtocol.Busy(Text(ref r))),
        WireCodec.For("ea", 2 + OutcomeCodec.TaskFields,
            (ref MessagePackWriter w, EvaluationProtocol.Assigned m) => { w.Write(m.Id); w.Write(m.Attempt); OutcomeCodec.Write(ref w, m.Task); },
            (ref MessagePackReader r) => new EvaluationProtocol.Assigned(r.ReadInt32(), r.ReadInt32(), OutcomeCodec.Task(ref r))),
        WireCodec.For("eo", 3 + OutcomeCodec.OutcomeFields,
            (ref MessagePackWriter w, EvaluationProtocol.Done m) =>
            {
                w.Write(m.Evaluator);
                w.Write(m.Id);
                w.Write(m.Attempt);
                OutcomeCodec.Write(ref w, m.Outcome);
            },
            (ref MessagePackReader r) => new EvaluationProtocol.Done(Text(ref r), r.ReadInt32(), r.ReadInt32(), OutcomeCodec.Outcome(ref r))),
        WireCodec.For("ef", 7,
            (ref MessagePackWriter w, EvaluationProtocol.Failed m) =>
            {
                w.Write(m.Evaluator);
                w.Write(m.Id);
                w.Write(m.Attempt);
                Text(ref w, m.Error);
                Text(ref w, m.Detail);
                Text(ref w, m.Where);
                Text(ref w, m.Fix);
            },
            (ref MessagePackReader r) => new EvaluationProtocol.Failed(
                Text(ref r), r.ReadInt32(), r.ReadInt32(), Text(ref r), Text(ref r), r.ReadString(), r.ReadString())),
    ];
}
