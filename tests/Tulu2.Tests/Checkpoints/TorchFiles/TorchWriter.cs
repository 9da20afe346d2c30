using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Tulu2.Checkpoints.Safetensors;

namespace Tulu2.Tests.Checkpoints.TorchFiles;

/// <summary>A tensor to pickle: a view of a storage, in elements.</summary>
internal sealed record WrittenTensor(string Name, string StorageType, string Key, long Offset, long[] Shape, long[] Strides);

/// <summary>Writes files as torch.save does: operation for operation in the pickle, with 64-bit records in the archive.</summary>
internal static class TorchWriter
{
    public static void Write(string path, IReadOnlyList<WrittenTensor> tensors, IReadOnlyDictionary<string, byte[]> storages, bool parameters = false)
    {
        var parts = new List<(string, byte[])> { ("archive/data.pkl", StateDictionary(tensors, storages, parameters)), ("archive/byteorder", "little"u8.ToArray()) };
        parts.AddRange(storages.Select(storage => ($"archive/data/{storage.Key}", storage.Value)));
        parts.Add(("archive/version", "3\n"u8.ToArray()));
        File.WriteAllBytes(path, Zip(parts));
    }

    /// <summary>Writes the tensors of a safetensors file, each with a storage of its own.</summary>
    public static unsafe void Convert(string safetensors, string path, Func<string, bool>? wanted = null)
    {
        using var file = new SafetensorsFile(safetensors);
        var tensors = new List<WrittenTensor>();
        var storages = new Dictionary<string, byte[]>();
        foreach (var entry in file.Entries.Values.Where(entry => wanted?.Invoke(entry.Name) ?? true))
        {
            tensors.Add(new WrittenTensor(entry.Name, StorageType(entry.DataType), $"{storages.Count}", 0, entry.Shape, RowMajor(entry.Shape)));
            storages.Add($"{storages.Count}", new ReadOnlySpan<byte>(file.Address(entry), (int)entry.Bytes).ToArray());
        }
        Write(path, tensors, storages);
    }

    public static long[] RowMajor(long[] shape)
    {
        var strides = new long[shape.Length];
        var stride = 1L;
        for (var axis = shape.Length - 1; axis >= 0; stride *= shape[axis--]) strides[axis] = stride;
        return strides;
    }

    public static string StorageType(string dataType) => dataType switch { "F32" => "FloatStorage", "F16" => "HalfStorage", "BF16" => "BFloat16Storage", _ => "LongStorage" };

    private static byte[] StateDictionary(IReadOnlyList<WrittenTensor> tensors, IReadOnlyDictionary<string, byte[]> storages, bool parameters)
    {
        var pickle = new PickleWriter().Protocol().Global("collections", "OrderedDict").Op(')').Op('R').Put(0).Op('(');
        foreach (var tensor in tensors)
        {
            var size = tensor.StorageType switch { "FloatStorage" or "IntStorage" => 4, "DoubleStorage" or "LongStorage" => 8, _ => 2 };
            pickle.Text(tensor.Name);
            if (parameters) pickle.Global("torch._utils", "_rebuild_parameter").Op('(');
            pickle.Global("torch._utils", "_rebuild_tensor_v2").Op('(')
                .Op('(').Text("storage").Global("torch", tensor.StorageType).Text(tensor.Key).Text("cpu").Whole(storages[tensor.Key].Length / size).Op('t').Op('Q')
                .Whole(tensor.Offset).Whole(tensor.Shape).Whole(tensor.Strides).Op('\x89').Global("collections", "OrderedDict").Op(')').Op('R')
                .Op('t').Op('R').Put(1);
            if (parameters) pickle.Op('\x89').Global("collections", "OrderedDict").Op(')').Op('R').Op('t').Op('R');
        }
        // The version notes that a module's state_dict carries as an attribute.
        return pickle.Op('u').Op('}').Text("_metadata").Op('h').Byte(0).Op('s').Op('b').Op('.').Bytes();
    }

    public static byte[] Zip(IReadOnlyList<(string Name, byte[] Bytes)> parts, int method = 0)
    {
        using var stream = new MemoryStream();
        using var directory = new MemoryStream();
        foreach (var (name, bytes) in parts)
        {
            var local = stream.Position;
            var crc = Crc32.HashToUInt32(bytes);
            var key = Encoding.ASCII.GetBytes(name);
            Put(stream, 0x04034B50u, (ushort)45, (ushort)0, (ushort)method, 0u, crc, uint.MaxValue, uint.MaxValue, (ushort)key.Length, (ushort)20);
            stream.Write(key);
            Put(stream, (ushort)1, (ushort)16, (long)bytes.Length, (long)bytes.Length);
            stream.Write(bytes);
            Put(directory, 0x02014B50u, (ushort)45, (ushort)45, (ushort)0, (ushort)method, 0u, crc, uint.MaxValue, uint.MaxValue, (ushort)key.Length, (ushort)28,
                (ushort)0, (ushort)0, (ushort)0, 0u, uint.MaxValue);
            directory.Write(key);
            Put(directory, (ushort)1, (ushort)24, (long)bytes.Length, (long)bytes.Length, local);
        }
        var start = stream.Position;
        directory.WriteTo(stream);
        var end = stream.Position;
        Put(stream, 0x06064B50u, 44L, (ushort)45, (ushort)45, 0u, 0u, (long)parts.Count, (long)parts.Count, directory.Length, start);
        Put(stream, 0x07064B50u, 0u, end, 1u);
        Put(stream, 0x06054B50u, (ushort)0, (ushort)0, (ushort)parts.Count, (ushort)parts.Count, uint.MaxValue, uint.MaxValue, (ushort)0);
        return stream.ToArray();
    }

    private static void Put(Stream stream, params object[] numbers)
    {
        Span<byte> bytes = stackalloc byte[8];
        foreach (var number in numbers)
            switch (number)
            {
                case ushort half:
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes, half);
                    stream.Write(bytes[..2]);
                    break;
                case uint word:
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes, word);
                    stream.Write(bytes[..4]);
                    break;
                case long large:
                    BinaryPrimitives.WriteInt64LittleEndian(bytes, large);
                    stream.Write(bytes);
                    break;
            }
    }
}
