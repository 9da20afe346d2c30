using System.IO.Hashing;
using System.Text;
using Tulu2.Files;

namespace Tulu2.Mixtures.Segments;

/// <summary>
/// The file of a segment: the rows' lines, then what is known of them, then the length and the checksum of that. It is whole or absent (<see
/// cref="AtomicFile"/>); the checksum finds a file that something else has damaged.
/// </summary>
internal static class SegmentFile
{
    private const int Version = 1;
    private const int TailBytes = 12;

    /// <param name="lines">One for each row, in order; the rows' offsets and lengths are filled in.</param>
    public static void Write(string path, Segment segment, IReadOnlyList<byte[]> lines) => AtomicFile.Write(path, stream =>
    {
        var (offset, rows) = (0L, new List<SegmentRow>(segment.Rows.Count));
        foreach (var (row, line) in segment.Rows.Zip(lines))
        {
            stream.Write(line);
            rows.Add(row with { Offset = offset, Length = line.Length });
            offset += line.Length;
        }
        using var index = new MemoryStream();
        using (var writer = new BinaryWriter(index, Encoding.UTF8, leaveOpen: true)) WriteIndex(writer, segment with { Rows = rows });
        stream.Write(index.GetBuffer().AsSpan(0, (int)index.Length));
        stream.Write(BitConverter.GetBytes((int)index.Length));
        stream.Write(BitConverter.GetBytes(XxHash3.HashToUInt64(index.GetBuffer().AsSpan(0, (int)index.Length))));
    });

    /// <summary>What is known of the rows; null: the file is damaged.</summary>
    public static Segment? TryRead(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (file.Length < TailBytes) return null;
        var tail = new byte[TailBytes];
        file.Seek(-TailBytes, SeekOrigin.End);
        file.ReadExactly(tail);
        var length = BitConverter.ToInt32(tail);
        if (length < 0 || length > file.Length - TailBytes) return null;
        var index = new byte[length];
        file.Seek(-TailBytes - length, SeekOrigin.End);
        file.ReadExactly(index);
        if (XxHash3.HashToUInt64(index) != BitConverter.ToUInt64(tail, 4)) return null;
        using var reader = new BinaryReader(new MemoryStream(index));
        return reader.ReadInt32() == Version ? ReadIndex(reader) : null;
    }

    private static void WriteIndex(BinaryWriter writer, Segment segment)
    {
        writer.Write(Version);
        writer.Write(segment.Rows.Count);
        foreach (var row in segment.Rows) WriteRow(writer, row);
        writer.Write(segment.Rejects.Count);
        foreach (var (place, file, line, reason) in segment.Rejects)
        {
            writer.Write(place);
            writer.Write(file);
            writer.Write(line);
            writer.Write(reason);
        }
        writer.Write(segment.Slips.Count);
        foreach (var (slip, times) in segment.Slips.OrderBy(slip => slip.Key, StringComparer.Ordinal))
        {
            writer.Write(slip);
            writer.Write(times);
        }
    }

    private static Segment ReadIndex(BinaryReader reader)
    {
        var rows = Many(reader, ReadRow);
        var rejects = Many(reader, one => new SegmentReject(one.ReadInt32(), one.ReadInt32(), one.ReadInt64(), one.ReadString()));
        return new Segment(rows, rejects, Many(reader, one => KeyValuePair.Create(one.ReadString(), one.ReadInt32())).ToDictionary());
    }

    private static void WriteRow(BinaryWriter writer, SegmentRow row)
    {
        writer.Write(row.Place);
        writer.Write(row.Part);
        writer.Write(row.File);
        writer.Write(row.Line);
        writer.Write(row.NumberAt);
        writer.Write(row.Filter);
        WriteOptional(writer, row.Reason);
        WriteOptional(writer, row.OnlyParity);
        writer.Write((ulong)(row.Fingerprint >> 64));
        writer.Write((ulong)row.Fingerprint);
        writer.Write(row.Signature?.Length ?? 0);
        foreach (var place in row.Signature ?? []) writer.Write(place);
        writer.Write(row.Offset);
        writer.Write(row.Length);
    }

    // In the order in which WriteRow writes them.
    private static SegmentRow ReadRow(BinaryReader reader) => new(
        reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt32(), reader.ReadInt32(), ReadOptional(reader),
        ReadOptional(reader), new UInt128(reader.ReadUInt64(), reader.ReadUInt64()), ReadSignature(reader), reader.ReadInt64(), reader.ReadInt32());

    private static ushort[]? ReadSignature(BinaryReader reader)
    {
        var signature = new ushort[reader.ReadInt32()];
        for (var at = 0; at < signature.Length; at++) signature[at] = reader.ReadUInt16();
        return signature.Length == 0 ? null : signature;
    }

    private static void WriteOptional(BinaryWriter writer, string? text)
    {
        writer.Write(text is not null);
        if (text is not null) writer.Write(text);
    }

    private static string? ReadOptional(BinaryReader reader) => reader.ReadBoolean() ? reader.ReadString() : null;

    private static List<T> Many<T>(BinaryReader reader, Func<BinaryReader, T> read)
    {
        var count = reader.ReadInt32();
        var many = new List<T>(count);
        for (var at = 0; at < count; at++) many.Add(read(reader));
        return many;
    }
}
