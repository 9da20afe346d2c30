using MessagePack;
using Tulu2.Evaluation.Tasks;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Evaluation.Workers;

/// <summary>Encodes tasks and outcomes, between nodes and between a node and its evaluator processes.</summary>
public static class OutcomeCodec
{
    /// <summary>Number of fields of a task.</summary>
    public const int TaskFields = 6;

    /// <summary>Number of fields of an outcome.</summary>
    public const int OutcomeFields = 3;

    public static void Write(ref MessagePackWriter writer, EvaluationTask task)
    {
        writer.Write(task.Id);
        writer.Write(task.Benchmark);
        writer.Write(task.Model);
        writer.Write(task.File);
        writer.Write(task.First);
        writer.Write(task.Count);
    }

    public static EvaluationTask Task(ref MessagePackReader reader) =>
        new(Text(ref reader), Text(ref reader), Text(ref reader), Text(ref reader), reader.ReadInt32(), reader.ReadInt32());

    public static void Write(ref MessagePackWriter writer, EvaluationOutcome outcome)
    {
        writer.Write(outcome.TaskId);
        List(ref writer, outcome.Scores, Write);
        List(ref writer, outcome.Judges, Write);
    }

    public static EvaluationOutcome Outcome(ref MessagePackReader reader) => new(Text(ref reader), List(ref reader, Score)) { Judges = List(ref reader, Judge) };

    private static void Write(ref MessagePackWriter writer, JudgeUse use)
    {
        Text(ref writer, use.Role);
        Text(ref writer, use.Judge);
        writer.Write(use.Requests);
        writer.Write(use.Cached);
        writer.Write(use.PromptTokens);
        writer.Write(use.CompletionTokens);
        if (use.Cost is { } cost) writer.Write(cost);
        else writer.WriteNil();
    }

    private static JudgeUse Judge(ref MessagePackReader reader) =>
        new(Text(ref reader), Text(ref reader), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt64())
        {
            Cost = reader.TryReadNil() ? null : reader.ReadDouble(),
        };

    private static void Write(ref MessagePackWriter writer, ItemScore score)
    {
        writer.Write(score.Item);
        writer.Write(score.Dataset);
        writer.Write(score.Value);
        writer.WriteMapHeader(score.Metrics.Count);
        foreach (var (name, value) in score.Metrics)
        {
            writer.Write(name);
            writer.Write(value);
        }
        if (score.Sample is { } sample) Write(ref writer, sample);
        else writer.WriteNil();
    }

    private static ItemScore Score(ref MessagePackReader reader) => new(Text(ref reader), Text(ref reader), reader.ReadDouble())
    {
        Metrics = Metrics(ref reader),
        Sample = reader.TryReadNil() ? null : Sample(ref reader),
    };

    private static IReadOnlyDictionary<string, double> Metrics(ref MessagePackReader reader)
    {
        var count = reader.ReadMapHeader();
        if (count == 0) return ItemScore.NoMetrics;
        var metrics = new Dictionary<string, double>(count);
        for (var i = 0; i < count; i++) metrics.Add(Text(ref reader), reader.ReadDouble());
        return metrics;
    }

    private static void Write(ref MessagePackWriter writer, EvaluationSample sample)
    {
        Text(ref writer, sample.Prompt);
        Text(ref writer, sample.Expected);
        Text(ref writer, sample.Output);
        writer.Write(sample.Correct);
        Text(ref writer, sample.Verdict);
    }

    private static EvaluationSample Sample(ref MessagePackReader reader) =>
        new(Text(ref reader), Text(ref reader), Text(ref reader), reader.ReadBoolean()) { Verdict = reader.ReadString() };
}
