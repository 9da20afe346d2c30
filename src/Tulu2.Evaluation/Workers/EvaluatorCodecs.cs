using System.Text.Json;
using MessagePack;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Processes;
using Tulu2.Evaluation.Scoring;
using Tulu2.Protocol.Encoding;
using Tulu2.Training.Hosting;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Evaluation.Workers;

/// <summary>Codecs of the messages between a node and an evaluator process. Both are the same build, so the formats may change freely.</summary>
internal static class EvaluatorCodecs
{
    public static WireCodec[] All { get; } =
    [
        WireCodec.For("s", 2, Write, Start),
        WireCodec.For("r", OutcomeCodec.TaskFields,
            (ref MessagePackWriter w, EvaluatorCommand.Run m) => OutcomeCodec.Write(ref w, m.Task),
            (ref MessagePackReader r) => new EvaluatorCommand.Run(OutcomeCodec.Task(ref r))),
        WireCodec.For("p", 1,
            (ref MessagePackWriter w, EvaluatorCommand.Prepare m) => w.Write(m.Model),
            (ref MessagePackReader r) => new EvaluatorCommand.Prepare(Text(ref r))),
        WireCodec.For("a", 3,
            (ref MessagePackWriter w, EvaluatorCommand.Answer m) =>
            {
                w.Write(m.Model);
                List(ref w, m.Prompts, (ref MessagePackWriter v, IReadOnlyList<Message> prompt) => List(ref v, prompt, Write));
                w.Write(m.MaxTokens);
            },
            (ref MessagePackReader r) => new EvaluatorCommand.Answer(
                Text(ref r), List(ref r, (ref MessagePackReader v) => (IReadOnlyList<Message>)List(ref v, Turn)), r.ReadInt32())),
        WireCodec.For("x", 0, (ref MessagePackWriter _, EvaluatorCommand.Shutdown _) => { }, (ref MessagePackReader _) => new EvaluatorCommand.Shutdown()),
        WireCodec.For("R", 0, (ref MessagePackWriter _, EvaluatorReply.Ready _) => { }, (ref MessagePackReader _) => new EvaluatorReply.Ready()),
        WireCodec.For("L", 0, (ref MessagePackWriter _, EvaluatorReply.Alive _) => { }, (ref MessagePackReader _) => new EvaluatorReply.Alive()),
        WireCodec.For("S", OutcomeCodec.OutcomeFields,
            (ref MessagePackWriter w, EvaluatorReply.Scored m) => OutcomeCodec.Write(ref w, m.Outcome),
            (ref MessagePackReader r) => new EvaluatorReply.Scored(OutcomeCodec.Outcome(ref r))),
        WireCodec.For("A", 1,
            (ref MessagePackWriter w, EvaluatorReply.Answered m) => Texts(ref w, m.Texts),
            (ref MessagePackReader r) => new EvaluatorReply.Answered(Texts(ref r))),
        WireCodec.For("F", ProcessFailure.Fields,
            (ref MessagePackWriter w, EvaluatorReply.Failed m) => m.Failure.Write(ref w),
            (ref MessagePackReader r) => new EvaluatorReply.Failed(ProcessFailure.Read(ref r))),
    ];

    public static ChannelCodecs ChannelCodecs { get; } = new(All);

    private static void Write(ref MessagePackWriter writer, EvaluatorStart start)
    {
        writer.Write(JsonSerializer.Serialize(start.Settings));
        writer.Write(start.YieldsProcessor);
    }

    private static EvaluatorStart Start(ref MessagePackReader reader) => new(JsonSerializer.Deserialize<EvaluatorSettings>(Text(ref reader))!, reader.ReadBoolean());

    private static void Write(ref MessagePackWriter writer, Message turn)
    {
        writer.Write(turn.Role);
        writer.Write(turn.Content);
        writer.Write(turn.Learnt);
    }

    private static Message Turn(ref MessagePackReader reader) => new(Text(ref reader), Text(ref reader)) { Learnt = reader.ReadBoolean() };
}
