using System.Buffers;
using System.Collections.Frozen;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using MessagePack;
using Tulu2.Protocol.Encoding;

namespace Tulu2.Cluster.Messages.Encoding;

/// <summary>
/// Every message that crosses nodes, by hand and compact. The manifests are the allow-list: what has none is refused, on both sides. A message over
/// <see cref="MaxBytes"/> throws here, because the transport would drop it without telling the sender.
/// </summary>
internal sealed class WireSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    public const int MaxBytes = 64 * 1024;

    // Around a message that is as long as may be.
    private const int MaxEnvelope = 4 * 1024;

    private static readonly WireCodec[] Codecs = [.. RankCodecs.All, .. CheckpointCodecs.All, .. EvaluationCodecs.All, .. NodeCodecs.All, .. DeliveryCodecs.All, .. SubmissionCodecs.All];
    private static readonly FrozenDictionary<string, WireCodec> ByManifest = Codecs.ToFrozenDictionary(codec => codec.Manifest);
    private static readonly FrozenDictionary<Type, WireCodec> ByType = Codecs.ToFrozenDictionary(codec => codec.Type);

    public override int Identifier => 2022;

    /// <summary>All messages between nodes: <c>manifest: type (fields)</c>, by manifest. A type is named without its namespace.</summary>
    public static IEnumerable<string> Catalogue =>
        Codecs.OrderBy(codec => codec.Manifest, StringComparer.Ordinal)
            .Select(codec => $"{codec.Manifest}: {codec.Type.DeclaringType!.Name}.{codec.Type.Name} ({codec.Fields})");

    public override string Manifest(object obj) => CodecOf(obj).Manifest;

    public override byte[] ToBinary(object obj) => Pack(obj).Bytes;

    public override object FromBinary(byte[] bytes, string manifest) => Unpack(manifest, bytes);

    /// <summary>A message in its wire form.</summary>
    /// <exception cref="SerializationException">It is of no protocol, or too long.</exception>
    public static (string Manifest, byte[] Bytes) Pack(object message)
    {
        var codec = CodecOf(message);
        var buffer = new ArrayBufferWriter<byte>(128);
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(codec.Fields);
        codec.Write(ref writer, Body(message));
        writer.Flush();
        return buffer.WrittenCount <= MaxOf(codec)
            ? (codec.Manifest, buffer.WrittenSpan.ToArray())
            : throw new SerializationException($"{codec.Type.Name}: {buffer.WrittenCount} bytes are too many for a message between nodes (at most {MaxOf(codec)})");
    }

    /// <exception cref="SerializationException">What came is of no protocol, or broken.</exception>
    public static object Unpack(string manifest, ReadOnlyMemory<byte> bytes)
    {
        if (!ByManifest.TryGetValue(manifest, out var codec)) throw new SerializationException($"a peer sent a message with the unknown manifest {manifest}");
        if (bytes.Length > MaxOf(codec)) throw new SerializationException($"{codec.Type.Name}: a peer sent {bytes.Length} bytes (at most {MaxOf(codec)})");
        var reader = new MessagePackReader(bytes);
        var fields = reader.ReadArrayHeader();
        if (fields != codec.Fields) throw new SerializationException($"{codec.Type.Name}: a peer sent {fields} fields instead of {codec.Fields}");
        var message = codec.Read(ref reader);
        return RankCodecs.Wrap(message);
    }

    private static int MaxOf(WireCodec codec) => codec.Type == typeof(DeliveryProtocol.Letter) ? MaxBytes + MaxEnvelope : MaxBytes;

    // The worker protocol belongs to another floor and has no marker: it travels in an envelope, which costs nothing here.
    private static object Body(object message) => RankCodecs.Unwrap(message);

    private static WireCodec CodecOf(object message) => ByType.TryGetValue(Body(message).GetType(), out var codec)
        ? codec
        : throw new SerializationException($"{Body(message).GetType()}: has no manifest, so it cannot go between nodes");
}
