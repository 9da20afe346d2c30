using Tulu2.Data.Rows.Reading;
using Tulu2.Mixtures.Output;

namespace Tulu2.Mixtures.Copies;

/// <summary>JSON Lines: each record in its own bytes. An element of an array that spans lines becomes one line.</summary>
internal sealed class JsonLinesCopy(Stream stream, bool packed) : IKeptRows
{
    private bool _any;

    public byte[] Pack(IReadOnlyList<ReadOnlyMemory<byte>> records)
    {
        if (records.Count == 0) return [];
        if (packed) return PackedLines.Of(records.Select(OneLine));
        using var lines = new MemoryStream();
        foreach (var record in records)
        {
            lines.Write(OneLine(record).Span);
            lines.WriteByte((byte)'\n');
        }
        return lines.ToArray();
    }

    public void Add(byte[] packed)
    {
        stream.Write(packed);
        _any |= packed.Length > 0;
    }

    public void EndFile(DataFile file, long rows, IReadOnlyList<long> dropped)
    {
    }

    public void End()
    {
        // A gzip file has at least one member.
        if (!_any && packed) stream.Write(PackedLines.Of([]));
    }

    public void Dispose()
    {
    }

    private static ReadOnlyMemory<byte> OneLine(ReadOnlyMemory<byte> record)
    {
        record = record.TrimEnd(" \t\r"u8);
        if (!record.Span.ContainsAny((byte)'\n', (byte)'\r')) return record;
        // In JSON they stand between values only: within a text they would be escaped.
        var line = record.ToArray();
        foreach (ref var character in line.AsSpan())
            if (character is (byte)'\n' or (byte)'\r') character = (byte)' ';
        return line;
    }
}
