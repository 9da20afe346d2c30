using MessagePack;
using Tulu2.Evaluation.Workers;
using Tulu2.Protocol.Encoding;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Cluster.Messages.Encoding;

/// <summary>The messages of <see cref="EvaluationProtocol"/>. "ea", "eb", "ed", "ef", "ei" and "eo" are taken by messages that are gone.</summary>
internal static class EvaluationCodecs
{
    public static WireCodec[] All { get; } =
    [
        WireCodec.For("eq", 2,
            (ref MessagePackWriter w, EvaluationProtocol.Ask m) => { w.Write(m.Evaluator); w.Write(m.Number); },
            (ref MessagePackReader r) => new EvaluationProtocol.Ask(Text(ref r), r.ReadInt64())),
        WireCodec.For("ew", 2,
            (ref MessagePackWriter w, EvaluationProtocol.Working m) => { w.Write(m.Evaluator); w.Write(m.Number); },
            (ref MessagePackReader r) => new EvaluationProtocol.Working(Text(ref r), r.ReadInt64())),
        WireCodec.For("eg", 5 + OutcomeCodec.TaskFields,
            (ref MessagePackWriter w, EvaluationProtocol.Granted m) =>
            {
                w.Write(m.Number);
                w.Write(m.Attempt);
                OutcomeCodec.Write(ref w, m.Task);
                w.Write(m.Settings);
                w.Write(m.Folder);
                w.Write(m.NextModel);
            },
            (ref MessagePackReader r) => new EvaluationProtocol.Granted(
                r.ReadInt64(), r.ReadInt32(), OutcomeCodec.Task(ref r), r.ReadString(), r.ReadString(), r.ReadString())),
        WireCodec.For("es", 4,
            (ref MessagePackWriter w, EvaluationProtocol.Scored m) =>
            {
                w.Write(m.Evaluator);
                w.Write(m.Number);
                w.Write(m.TaskId);
                w.Write(m.File);
            },
            (ref MessagePackReader r) => new EvaluationProtocol.Scored(Text(ref r), r.ReadInt64(), Text(ref r), Text(ref r))),
        WireCodec.For("ex", 7,
            (ref MessagePackWriter w, EvaluationProtocol.Failed m) =>
            {
                w.Write(m.Evaluator);
                w.Write(m.Number);
                w.Write(m.TaskId);
                Text(ref w, m.Error);
                Text(ref w, m.Detail);
                Text(ref w, m.Where);
                Text(ref w, m.Fix);
            },
            (ref MessagePackReader r) => new EvaluationProtocol.Failed(
                Text(ref r), r.ReadInt64(), Text(ref r), Text(ref r), Text(ref r), r.ReadString(), r.ReadString())),
        WireCodec.For("en", 3,
            (ref MessagePackWriter w, EvaluationProtocol.Declined m) =>
            {
                w.Write(m.Evaluator);
                w.Write(m.Number);
                Text(ref w, m.Why);
            },
            (ref MessagePackReader r) => new EvaluationProtocol.Declined(Text(ref r), r.ReadInt64(), Text(ref r))),
        WireCodec.For("ek", 1,
            (ref MessagePackWriter w, EvaluationProtocol.Taken m) => w.Write(m.Number),
            (ref MessagePackReader r) => new EvaluationProtocol.Taken(r.ReadInt64())),
    ];
}
