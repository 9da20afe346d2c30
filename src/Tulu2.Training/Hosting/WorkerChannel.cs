using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Frozen;
using MessagePack;
using Tulu2.Files;
using Tulu2.Protocol.Encoding;

namespace Tulu2.Training.Hosting;

/// <summary>A worker process's channel violated its protocol.</summary>
public sealed class WorkerChannelException(string what, Exception? inner = null) : Exception($"worker channel: {what}", inner);

/// <summary>The codecs of the messages that one kind of worker channel carries; all other messages are refused.</summary>
public sealed class ChannelCodecs(params IEnumerable<WireCodec> codecs)
{
    private readonly FrozenDictionary<string, WireCodec> _byManifest = codecs.ToFrozenDictionary(codec => codec.Manifest);
    private readonly FrozenDictionary<Type, WireCodec> _byType = codecs.ToFrozenDictionary(codec => codec.Type);

    internal WireCodec Of(object message) =>
        _byType.GetValueOrDefault(message.GetType()) ?? throw new WorkerChannelException($"{message.GetType()} is not a message of this channel");

    /// <exception cref="WorkerChannelException">The frame is not a message of this channel.</exception>
    internal object Parse(ReadOnlyMemory<byte> frame)
    {
        WireCodec? codec = null;
        try
        {
            var reader = new MessagePackReader(frame);
            var manifest = reader.ReadString() ?? "";
            codec = _byManifest.GetValueOrDefault(manifest) ?? throw new WorkerChannelException($"a message with the unknown manifest '{manifest}' came");
            var fields = reader.ReadArrayHeader();
            if (fields != codec.Fields) throw new WorkerChannelException($"{codec.Type.Name}: {fields} fields came instead of {codec.Fields}");
            var message = codec.Read(ref reader);
            return reader.End ? message : throw new WorkerChannelException($"{codec.Type.Name}: bytes are left over behind its last field");
        }
        catch (Exception fault) when (fault is MessagePackSerializationException or EndOfStreamException or OverflowException or ArgumentException)
        {
            throw new WorkerChannelException($"{codec?.Type.Name ?? "a message"} cannot be read: {FaultText.Of(fault)}", fault);
        }
    }
}

/// <summary>
/// Messages between a node and one worker process. A frame consists of its length (32 bits, little-endian), a manifest that identifies the message type, and
/// the fields as one array. Only one thread may read; any thread may write.
/// </summary>
public sealed class WorkerChannel(Stream stream, ChannelCodecs codecs) : IDisposable
{
    /// <summary>
    /// Maximum bytes of a frame. The largest messages are the start (a few bytes per slot of the run) and a batch (a few bytes per token of a slot).
    /// </summary>
    public const int MaxFrame = 64 << 20;

    /// <summary>Maximum length of a path in a Unix socket address.</summary>
    internal const int MaxSocketPath = 107;

    private const int LengthBytes = sizeof(int);

    private readonly Lock _writing = new();
    private readonly ArrayBufferWriter<byte> _outgoing = new(1024);
    private byte[] _incoming = new byte[1024];

    /// <exception cref="WorkerChannelException">Not a message of this channel, or too large.</exception>
    /// <exception cref="IOException">The other end is gone.</exception>
    public void Write(object message)
    {
        var codec = codecs.Of(message);
        lock (_writing)
        {
            _outgoing.ResetWrittenCount();
            _outgoing.GetSpan(LengthBytes)[..LengthBytes].Clear();
            _outgoing.Advance(LengthBytes);
            var writer = new MessagePackWriter(_outgoing);
            writer.Write(codec.Manifest);
            writer.WriteArrayHeader(codec.Fields);
            codec.Write(ref writer, message);
            writer.Flush();
            var length = _outgoing.WrittenCount - LengthBytes;
            if (length > MaxFrame) throw new WorkerChannelException($"{codec.Type.Name}: {length} bytes are too many (at most {MaxFrame})");
            BinaryPrimitives.WriteInt32LittleEndian(System.Runtime.InteropServices.MemoryMarshal.AsMemory(_outgoing.WrittenMemory).Span, length);
            stream.Write(_outgoing.WrittenSpan);
            stream.Flush();
        }
    }

    /// <summary>The next message, which must be a <typeparamref name="T"/>; null at the end of the stream.</summary>
    /// <exception cref="WorkerChannelException">Another or an incomplete message arrived.</exception>
    /// <exception cref="IOException">The other end is gone.</exception>
    public T? Read<T>() where T : class
    {
        var header = new byte[LengthBytes];
        var read = stream.ReadAtLeast(header, LengthBytes, throwOnEndOfStream: false);
        if (read == 0) return null;
        if (read < LengthBytes) throw new WorkerChannelException("it ended within a message");
        var length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length is < 1 or > MaxFrame) throw new WorkerChannelException($"a message of {length} bytes was announced (1 to {MaxFrame} are possible)");
        if (_incoming.Length < length) _incoming = new byte[length];
        if (stream.ReadAtLeast(_incoming.AsSpan(0, length), length, throwOnEndOfStream: false) < length) throw new WorkerChannelException("it ended within a message");
        return codecs.Parse(_incoming.AsMemory(0, length)) as T ?? throw new WorkerChannelException($"a message came that is no {typeof(T).Name}");
    }

    public void Dispose() => stream.Dispose();
}
