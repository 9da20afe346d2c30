using MessagePack;
using Tulu2.Evaluation.Processes;
using Tulu2.Files;
using Tulu2.Models.Inference;
using Tulu2.Protocol.Encoding;
using Tulu2.Training.Hosting;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Evaluation.Shards;

/// <summary>The first message to the process of a shard.</summary>
/// <param name="Key">Of the data plane; empty: that by which it was reached.</param>
/// <param name="Host">Name or address of its machine, as the first shard's process knows it.</param>
internal sealed record ShardStart(ShardOrder Order, int Rank, byte[] Key, string Host)
{
    /// <summary>It computes only while nobody else wants the processor.</summary>
    public bool YieldsProcessor { get; init; }

    /// <summary>Of the program: shards of different ones may compute different bits.</summary>
    public string Version { get; init; } = ProgramVersion.Text;
}

/// <summary>Commands to the process of a shard.</summary>
internal abstract record ShardCommand
{
    private ShardCommand() { }

    public sealed record Join(ShardGathering Gathering) : ShardCommand;

    public sealed record Shutdown : ShardCommand;
}

/// <summary>What the process of a shard says.</summary>
internal abstract record ShardReply
{
    private ShardReply() { }

    /// <summary>It accepts commands; its data plane is at <paramref name="Endpoint"/>.</summary>
    public sealed record Ready(string Endpoint) : ShardReply;

    /// <summary>A heartbeat, sent at short intervals even while the process computes.</summary>
    public sealed record Alive : ShardReply;

    /// <summary>Its weights are read.</summary>
    public sealed record Loaded : ShardReply;

    /// <summary>It ends.</summary>
    public sealed record Failed(ProcessFailure Failure) : ShardReply;
}

/// <summary>Codecs of these messages. Both ends are the same build, so the formats may change freely.</summary>
internal static class ShardCodecs
{
    public static WireCodec[] All { get; } =
    [
        WireCodec.For("s", 9,
            (ref MessagePackWriter w, ShardStart m) =>
            {
                w.Write(m.Order.Model);
                w.Write((int)m.Order.Precision);
                w.Write(m.Order.Count);
                w.Write(m.Rank);
                w.Write(m.Key);
                w.Write(m.Host);
                w.Write(m.Order.Content);
                w.Write(m.YieldsProcessor);
                w.Write(m.Version);
            },
            Start),
        WireCodec.For("j", 4,
            (ref MessagePackWriter w, ShardCommand.Join m) =>
            {
                w.Write(m.Gathering.Generation);
                Texts(ref w, m.Gathering.Endpoints);
                w.Write(m.Gathering.Pages);
                w.Write(m.Gathering.Threads);
            },
            (ref MessagePackReader r) => new ShardCommand.Join(new ShardGathering(r.ReadInt64(), Texts(ref r), r.ReadInt32(), r.ReadInt32()))),
        WireCodec.For("x", 0, (ref MessagePackWriter _, ShardCommand.Shutdown _) => { }, (ref MessagePackReader _) => new ShardCommand.Shutdown()),
        WireCodec.For("R", 1, (ref MessagePackWriter w, ShardReply.Ready m) => w.Write(m.Endpoint), (ref MessagePackReader r) => new ShardReply.Ready(Text(ref r))),
        WireCodec.For("L", 0, (ref MessagePackWriter _, ShardReply.Alive _) => { }, (ref MessagePackReader _) => new ShardReply.Alive()),
        WireCodec.For("W", 0, (ref MessagePackWriter _, ShardReply.Loaded _) => { }, (ref MessagePackReader _) => new ShardReply.Loaded()),
        WireCodec.For("F", ProcessFailure.Fields,
            (ref MessagePackWriter w, ShardReply.Failed m) => m.Failure.Write(ref w), (ref MessagePackReader r) => new ShardReply.Failed(ProcessFailure.Read(ref r))),
    ];

    public static ChannelCodecs ChannelCodecs { get; } = new(All);

    /// <summary>A message as bytes.</summary>
    public static byte[] Bytes(object message)
    {
        using var bytes = new MemoryStream();
        new WorkerChannel(bytes, ChannelCodecs).Write(message);
        return bytes.ToArray();
    }

    /// <summary>The message of some bytes.</summary>
    /// <exception cref="WorkerChannelException">They are no such message.</exception>
    public static T Of<T>(byte[] bytes) where T : class =>
        new WorkerChannel(new MemoryStream(bytes), ChannelCodecs).Read<T>() ?? throw new WorkerChannelException("no message came");

    private static ShardStart Start(ref MessagePackReader reader)
    {
        var (model, precision, count) = (Text(ref reader), (InferencePrecision)reader.ReadInt32(), reader.ReadInt32());
        var (rank, key, host) = (reader.ReadInt32(), reader.ReadBytes(), Text(ref reader));
        return new ShardStart(new ShardOrder(model, precision, count) { Content = Text(ref reader) }, rank, key is { } bytes ? System.Buffers.BuffersExtensions.ToArray(bytes) : [], host)
        {
            YieldsProcessor = reader.ReadBoolean(),
            Version = Text(ref reader),
        };
    }
}
