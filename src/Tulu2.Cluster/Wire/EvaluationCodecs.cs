using MessagePack;
using Tulu2.Cluster.Evaluations;
using Tulu2.Evaluation.Tasks;
using Tulu2.Protocol.Encoding;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Cluster.Wire;

/// <summary>The messages of <see cref="EvaluationProtocol"/>.</summary>
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
        WireCodec.For("ea", 8,
            (ref MessagePackWriter w, EvaluationProtocol.Assigned m) =>
            {
                w.Write(m.Id);
                w.Write(m.Attempt);
                w.Write(m.Task.Id);
                w.Write(m.Task.Kind);
                w.Write(m.Task.Model);
                w.Write(m.Task.File);
                w.Write(m.Task.First);
                w.Write(m.Task.Count);
            },
            (ref MessagePackReader r) => new EvaluationProtocol.Assigned(
                r.ReadInt32(), r.ReadInt32(), new EvaluationTask(Text(ref r), Text(ref r), Text(ref r), Text(ref r), r.ReadInt32(), r.ReadInt32()))),
        WireCodec.For("ed", 7,
            (ref MessagePackWriter w, EvaluationProtocol.Done m) =>
            {
                w.Write(m.Evaluator);
                w.Write(m.Id);
                w.Write(m.Attempt);
                w.Write(m.Outcome.TaskId);
                w.Write(m.Outcome.Items);
                w.Write(m.Outcome.Score);
                List(ref w, m.Outcome.Samples, Sample);
            },
            (ref MessagePackReader r) => new EvaluationProtocol.Done(
                Text(ref r), r.ReadInt32(), r.ReadInt32(), new EvaluationOutcome(Text(ref r), r.ReadInt32(), r.ReadDouble(), List(ref r, Sample)))),
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

    private static void Sample(ref MessagePackWriter writer, EvaluationSample sample)
    {
        Text(ref writer, sample.Prompt);
        Text(ref writer, sample.Expected);
        Text(ref writer, sample.Output);
        writer.Write(sample.Correct);
    }

    private static EvaluationSample Sample(ref MessagePackReader reader) => new(Text(ref reader), Text(ref reader), Text(ref reader), reader.ReadBoolean());
}
