using System.Buffers;
using System.Text.Json;
using MessagePack;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Files.Certificates;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Protocol.Encoding;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Training.Hosting;

/// <summary>Encodes <see cref="WorkerStart"/>. The recipe is encoded key by key, since parsing YAML would cost the worker a tenth of a second.</summary>
internal static class WorkerStartCodec
{
    public static WireCodec Codec { get; } = WireCodec.For<WorkerStart>("st", 15, Write, Read);

    private static WireCodec WarmUp { get; } = WireCodec.For("sw", 15,
        (ref MessagePackWriter writer, WorkerWarmUp warm) => Write(ref writer, warm.Run),
        (ref MessagePackReader reader) => new WorkerWarmUp(Read(ref reader)));

    private static WireCodec Introduction { get; } = WireCodec.For("so", 3,
        (ref MessagePackWriter writer, WorkerIntroduction introduction) =>
        {
            writer.Write(introduction.Rank);
            writer.Write(introduction.IndexOnNode);
            writer.Write(introduction.Start);
        },
        (ref MessagePackReader reader) => new WorkerIntroduction(reader.ReadRank(), reader.ReadInt32(), Text(ref reader)));

    /// <summary>All messages between a node and a rank's process.</summary>
    public static ChannelCodecs ChannelCodecs { get; } = new([Codec, WarmUp, Introduction, .. WorkerCodecs.All]);

    /// <summary>Equal for all ranks of a run on a node, and for these alone.</summary>
    public static string HashOf(WorkerStart start)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        Write(ref writer, start with { Rank = default, IndexOnNode = 0 });
        writer.Flush();
        return ContentHash.Of(buffer.WrittenSpan);
    }

    private static void Write(ref MessagePackWriter writer, WorkerStart start)
    {
        writer.Write(start.Rank);
        Write(ref writer, start.Recipe);
        Write(ref writer, start.Model);
        writer.Write(start.VirtualShards);
        Write(ref writer, start.Parallel);
        writer.Write(start.CheckpointDirectory);
        Write(ref writer, start.Batches);
        Write(ref writer, start.Reference);
        writer.Write(start.Key);
        writer.Write(start.ListenAddress);
        writer.Write(start.CollectiveDeadline.Ticks);
        writer.Write(start.IndexOnNode);
        List(ref writer, start.Schedules, Write);
        List(ref writer, start.Sources, Write);
        Write(ref writer, start.Identity);
    }

    private static WorkerStart Read(ref MessagePackReader reader) => new()
    {
        Rank = reader.ReadRank(),
        Recipe = Recipe(ref reader),
        Model = Model(ref reader),
        VirtualShards = reader.ReadInt32(),
        Parallel = Parallel(ref reader),
        CheckpointDirectory = Text(ref reader),
        Batches = Batches(ref reader),
        Reference = Reference(ref reader),
        Key = Bytes(ref reader),
        ListenAddress = Text(ref reader),
        CollectiveDeadline = TimeSpan.FromTicks(reader.ReadInt64()),
        IndexOnNode = reader.ReadInt32(),
        Schedules = [.. List(ref reader, Schedule)],
        Sources = [.. List(ref reader, Source)],
        Identity = Identity(ref reader),
    };

    // Values go as their YAML texts, which are exact: a key of a new type needs nothing here.
    private static void Write(ref MessagePackWriter writer, Recipe recipe)
    {
        writer.WriteMapHeader(RecipeKey.All.Count);
        foreach (var key in RecipeKey.All)
        {
            writer.Write(key.Name);
            writer.Write(RecipeValue.Write(key.Read(recipe)));
        }
    }

    private static Recipe Recipe(ref MessagePackReader reader)
    {
        var recipe = new Recipe();
        for (var left = reader.ReadMapHeader(); left > 0; left--)
        {
            var name = Text(ref reader);
            var key = RecipeKey.Find(name) ?? throw new MessagePackSerializationException($"there is no recipe key {name}");
            var node = RecipeValue.Parse(Text(ref reader));
            var (value, fault) = RecipeValue.IsNull(node) ? (null, null) : RecipeValue.Read(key, node);
            if (fault is not null) throw new MessagePackSerializationException($"{name} {fault}");
            // A null section must stay null, and writing one of its keys would create it.
            if (value is not null || key.Read(recipe) is not null) key.Write(recipe, value);
        }
        return recipe;
    }

    private static void Write(ref MessagePackWriter writer, ScheduleSegment segment)
    {
        writer.WriteArrayHeader(6);
        writer.Write(segment.From);
        writer.Write(segment.Kind.ToString());
        writer.Write(segment.Peak);
        writer.Write(segment.TotalSteps);
        writer.Write(segment.WarmupSteps);
        writer.Write(segment.Floor);
    }

    private static ScheduleSegment Schedule(ref MessagePackReader reader)
    {
        if (reader.ReadArrayHeader() != 6) throw new MessagePackSerializationException("a schedule has six fields");
        return new(reader.ReadInt32(), Enum.Parse<ScheduleKind>(Text(ref reader)), reader.ReadDouble(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadDouble());
    }

    private static void Write(ref MessagePackWriter writer, SourceItems source)
    {
        writer.WriteArrayHeader(2);
        writer.Write(source.Name);
        writer.Write(source.Count);
    }

    private static SourceItems Source(ref MessagePackReader reader) => reader.ReadArrayHeader() == 2
        ? new(Text(ref reader), reader.ReadInt32()) : throw new MessagePackSerializationException("a source has two fields");

    private static void Write(ref MessagePackWriter writer, ModelConfig model)
    {
        writer.Write(HuggingFaceModel.ConfigText(model));
        writer.Write(model.UsedVocabulary);
    }

    private static ModelConfig Model(ref MessagePackReader reader)
    {
        try
        {
            return HuggingFaceModel.ParseConfig(Text(ref reader)) with { UsedVocabulary = reader.ReadInt32() };
        }
        catch (JsonException damaged)
        {
            throw new MessagePackSerializationException("the model's config is no JSON", damaged);
        }
    }

    private static void Write(ref MessagePackWriter writer, ParallelLayout layout)
    {
        writer.Write(layout.Data);
        writer.Write(layout.Tensor);
        writer.Write(layout.Pipeline);
        writer.Write(layout.Zero);
    }

    private static ParallelLayout Parallel(ref MessagePackReader reader)
    {
        try
        {
            return new ParallelLayout(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32());
        }
        catch (ArgumentException impossible)
        {
            throw new MessagePackSerializationException(impossible.Message, impossible);
        }
    }

    private static void Write(ref MessagePackWriter writer, BatchFacts batches)
    {
        writer.Write(batches.SlotsPerStep);
        Numbers(ref writer, batches.StepTokens);
        Numbers(ref writer, batches.SlotLossTokens);
        // All slots nearly always have the same number of items.
        var uniform = batches.SlotItems.Distinct().Count() == 1;
        List(ref writer, uniform ? [batches.SlotItems[0]] : batches.SlotItems, (ref MessagePackWriter w, int number) => w.Write(number));
        Numbers(ref writer, batches.StepChosenLossTokens);
    }

    private static BatchFacts Batches(ref MessagePackReader reader)
    {
        var slots = reader.ReadInt32();
        long[] tokens = Numbers(ref reader), lossTokens = Numbers(ref reader);
        int[] items = [.. List(ref reader, (ref MessagePackReader r) => r.ReadInt32())];
        if (items.Length == 1) items = [.. Enumerable.Repeat(items[0], lossTokens.Length)];
        long[] chosen = Numbers(ref reader);
        if (chosen.Length != 0 && chosen.Length != tokens.Length)
            throw new MessagePackSerializationException($"{tokens.Length} steps do not have {chosen.Length} counts of chosen tokens");
        return slots > 0 && lossTokens.LongLength == (long)slots * tokens.Length && items.Length == lossTokens.Length
            ? new BatchFacts(slots, tokens, lossTokens, items, chosen)
            : throw new MessagePackSerializationException($"{tokens.Length} steps of {slots} slots do not have {lossTokens.Length} counts of scored tokens and {items.Length} of sequences");
    }

    private static void Write(ref MessagePackWriter writer, ReferenceFile? reference)
    {
        writer.Write(reference is not null);
        if (reference is null) return;
        writer.Write(reference.Directory);
        writer.Write(reference.Key);
        writer.Write(reference.Pairs);
    }

    private static ReferenceFile? Reference(ref MessagePackReader reader) =>
        reader.ReadBoolean() ? new ReferenceFile(Text(ref reader), Text(ref reader), reader.ReadInt32()) : null;

    // Paths only: no key ever leaves its file.
    private static void Write(ref MessagePackWriter writer, IdentityFiles? identity)
    {
        writer.WriteArrayHeader(identity is null ? 0 : 4);
        if (identity is null) return;
        writer.Write(identity.Certificate);
        writer.Write(identity.Key);
        writer.Write(identity.Authority);
        writer.Write(identity.Admitted);
    }

    private static IdentityFiles? Identity(ref MessagePackReader reader) => reader.ReadArrayHeader() switch
    {
        0 => null,
        4 => new(Text(ref reader), Text(ref reader), Text(ref reader), reader.ReadString()),
        _ => throw new MessagePackSerializationException("a node's certificates are four paths"),
    };

    private static byte[] Bytes(ref MessagePackReader reader) => reader.ReadBytes() is { } bytes
        ? System.Buffers.BuffersExtensions.ToArray(bytes)
        : throw new MessagePackSerializationException("a key is missing");
}
