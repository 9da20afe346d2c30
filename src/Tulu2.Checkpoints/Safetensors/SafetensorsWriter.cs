using System.Buffers.Binary;
using System.Text.Json;

namespace Tulu2.Checkpoints.Safetensors;

/// <summary>A tensor to write: its data is produced when it is written, so that no file is ever completely in memory.</summary>
/// <param name="Write">Writes exactly the tensor's bytes.</param>
public sealed record SafetensorsTensor(string Name, string DataType, long[] Shape, Action<Stream> Write)
{
    public long Bytes => Shape.Aggregate((long)SafetensorsTypes.Size(DataType)!, (product, size) => product * size);
}

public static class SafetensorsWriter
{
    /// <summary>Writes header and data to a stream, tensors in the given order.</summary>
    /// <exception cref="IOException">A tensor wrote another number of bytes than its shape says, or the stream failed.</exception>
    public static void Write(Stream stream, IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var header = Header(tensors, metadata);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        var counting = new MeteredStream(stream);
        foreach (var tensor in tensors)
        {
            counting.Count = 0;
            tensor.Write(counting);
            if (counting.Count != tensor.Bytes) throw new IOException($"tensor {tensor.Name} wrote {counting.Count} bytes instead of {tensor.Bytes}");
        }
    }

    private static byte[] Header(IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }
            var offset = 0L;
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DataType);
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Data begins at a multiple of 8 bytes, as in the reference implementation.
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }
}
