using System.Buffers.Binary;
using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Checkpoints.Safetensors;

/// <summary>One tensor of a safetensors file. <paramref name="Offset"/> counts from the start of the file, in bytes.</summary>
public sealed record SafetensorsEntry(string Name, string DataType, long[] Shape, long Offset, long Bytes)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => checked(product * size));
}

/// <summary>
/// A safetensors file, mapped into memory: an 8-byte little-endian header length, a JSON header, raw little-endian row-major data
/// (docs/reference/tulu2.md, safetensors). The whole header is checked when the file is opened.
/// </summary>
public sealed unsafe class SafetensorsFile : ITensorFile
{
    private const long LargestHeader = 100_000_000;

    private readonly MappedFile _bytes;

    /// <exception cref="BadInputException">The file is missing, truncated, or its header is not sound; names the file and the tensor.</exception>
    public SafetensorsFile(string path)
    {
        Path = path;
        ForeignContent.Refuse(path, FileUse.Safetensors);
        _bytes = MappedFile.OpenInput(path);
        try
        {
            var length = _bytes.Length;
            if (length < 8) throw Broken($"the file has {NumberText.Count(length, "byte")}, which is less than a header's length field");
            var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(_bytes.Start, 8));
            if (headerLength > LargestHeader || (long)headerLength > length - 8)
                throw Broken($"its header says it is {headerLength} bytes long, but the file has {length - 8} after the length field");
            var header = new ReadOnlySpan<byte>(_bytes.Start + 8, (int)headerLength).ToArray();
            (Entries, Metadata) = ReadHeader(header, 8 + (long)headerLength, length);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>By name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries { get; }

    /// <summary>The header's <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Address of a tensor's first byte; valid until the file is disposed.</summary>
    public byte* Address(SafetensorsEntry entry) => _bytes.Start + entry.Offset;

    public void Dispose() => _bytes.Dispose();

    private (Dictionary<string, SafetensorsEntry>, Dictionary<string, string>) ReadHeader(ReadOnlyMemory<byte> header, long dataBegin, long fileLength)
    {
        var entries = new Dictionary<string, SafetensorsEntry>();
        var metadata = new Dictionary<string, string>();
        try
        {
            using var json = JsonDocument.Parse(header);
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.NameEquals("__metadata__"))
                    foreach (var item in property.Value.EnumerateObject()) metadata[item.Name] = item.Value.GetString() ?? "";
                else if (ReadEntry(property, dataBegin, fileLength) is var entry && !entries.TryAdd(entry.Name, entry))
                    throw Broken($"tensor {entry.Name} occurs twice");
            }
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException
            or IndexOutOfRangeException or OverflowException)
        {
            throw Broken("its header cannot be read: it is not the list of tensors that a safetensors file begins with", fault);
        }
        CheckCoverage(entries.Values, dataBegin, fileLength);
        return (entries, metadata);
    }

    private SafetensorsEntry ReadEntry(JsonProperty property, long dataBegin, long fileLength)
    {
        var offsets = property.Value.GetProperty("data_offsets");
        long begin = offsets[0].GetInt64(), end = offsets[1].GetInt64();
        var entry = new SafetensorsEntry(
            property.Name, property.Value.GetProperty("dtype").GetString()!,
            [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())],
            dataBegin + begin, end - begin);
        if (begin < 0 || end < begin || entry.Shape.Any(size => size < 0)) throw Broken($"tensor {entry.Name} has impossible offsets {begin}..{end}");
        if (end > fileLength - dataBegin)
            throw Broken($"tensor {entry.Name} ends at byte {end} of the data, but the file has only {fileLength - dataBegin}: it is truncated");
        if (SafetensorsTypes.Size(entry.DataType) is { } size && checked(size * entry.Elements) is var needed && needed != entry.Bytes)
            throw Broken($"tensor {entry.Name} has {entry.Bytes} bytes, but {entry.DataType} [{string.Join(", ", entry.Shape)}] needs {needed}");
        return entry;
    }

    private void CheckCoverage(IEnumerable<SafetensorsEntry> entries, long dataBegin, long fileLength)
    {
        var last = dataBegin;
        foreach (var entry in entries.OrderBy(entry => entry.Offset).ThenBy(entry => entry.Bytes))
        {
            if (entry.Offset < last) throw Broken($"tensor {entry.Name} overlaps the one before it");
            // As in the reference implementation: bytes that belong to no tensor mean that an offset is wrong.
            if (entry.Offset > last) throw Broken($"{NumberText.Count(entry.Offset - last, "byte")} of no tensor before tensor {entry.Name}");
            last = entry.Offset + entry.Bytes;
        }
        if (last != fileLength) throw Broken($"{NumberText.Count(fileLength - last, "byte")} of no tensor after the last one");
    }

    private BadInputException Broken(string what, Exception? inner = null) => new(Path, what, "download or write the file again", inner);
}
