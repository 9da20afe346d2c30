using System.Buffers;
using System.Collections.Immutable;
using MessagePack;
using Tulu2.Protocol.Encoding;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Cluster.Messages.Encoding;

/// <summary>The messages of <see cref="DeliveryProtocol"/>.</summary>
internal static class DeliveryCodecs
{
    public static WireCodec[] All { get; } =
    [
        WireCodec.For("dl", 6,
            (ref MessagePackWriter w, DeliveryProtocol.Letter m) =>
            {
                w.Write(m.Stream);
                w.Write(m.Number);
                w.Write(m.To);
                w.Write(m.From);
                w.Write(m.Manifest);
                w.Write(m.Body.AsSpan());
            },
            (ref MessagePackReader r) => new DeliveryProtocol.Letter(r.ReadInt64(), r.ReadInt64(), Text(ref r), Text(ref r), Text(ref r),
                r.ReadBytes() is { } body ? ImmutableArray.Create(body.ToArray()) : throw new MessagePackSerializationException("a body is missing"))),
        WireCodec.For("dr", 2,
            (ref MessagePackWriter w, DeliveryProtocol.Received m) => { w.Write(m.Stream); w.Write(m.UpTo); },
            (ref MessagePackReader r) => new DeliveryProtocol.Received(r.ReadInt64(), r.ReadInt64())),
    ];
}
