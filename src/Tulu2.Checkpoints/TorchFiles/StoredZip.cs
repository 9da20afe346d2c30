using System.Buffers.Binary;
using System.Text;
using Tulu2.Files;

namespace Tulu2.Checkpoints.TorchFiles;

/// <summary>Range of an entry's bytes in the archive.</summary>
internal readonly record struct ZipPart(long Offset, long Bytes);

/// <summary>
/// Finds the uncompressed entries of a zip archive through its central directory (PKWARE's APPNOTE 4.3, with the 64-bit records that torch.save
/// always writes). The framework's reader does not expose an entry's offset, which mapping the file needs.
/// </summary>
internal sealed unsafe class StoredZip(string path, byte* start, long length)
{
    private const int EndBytes = 22, LocatorBytes = 20, End64Bytes = 56, CentralBytes = 46, LocalBytes = 30;
    private const int LongestComment = ushort.MaxValue;
    private const uint In64 = uint.MaxValue;

    /// <exception cref="BadInputException">The archive breaks off, is damaged, or holds something compressed.</exception>
    public Dictionary<string, ZipPart> Read()
    {
        var (count, at) = Directory();
        var parts = new Dictionary<string, ZipPart>();
        for (var entry = 0L; entry < count; entry++)
        {
            var head = At(at, CentralBytes, "PK\x01\x02"u8);
            int name = Half(head, 28), extra = Half(head, 30), comment = Half(head, 32);
            var key = Encoding.UTF8.GetString(At(at + CentralBytes, name));
            long bytes = Word(head, 24), packed = Word(head, 20), local = Word(head, 42);
            Widen(At(at + CentralBytes + name, extra), ref bytes, ref packed, ref local);
            if (Half(head, 10) != 0 || bytes != packed) throw Broken($"its part {key} is compressed, which torch.save never does");
            if ((Half(head, 8) & 1) != 0) throw Broken($"its part {key} is encrypted");
            var before = At(local, LocalBytes, "PK\x03\x04"u8);
            var data = local + LocalBytes + Half(before, 26) + Half(before, 28);
            if (data > length || bytes < 0 || bytes > length - data) throw Broken($"its part {key} reaches beyond the end of the file");
            if (!parts.TryAdd(key, new ZipPart(data, bytes))) throw Broken($"its part {key} occurs twice");
            at += CentralBytes + name + extra + comment;
        }
        return parts;
    }

    private (long Count, long Offset) Directory()
    {
        for (var at = length - EndBytes; at >= Math.Max(0, length - EndBytes - LongestComment); at--)
        {
            var end = At(at, EndBytes);
            if (!end.StartsWith("PK\x05\x06"u8) || at + EndBytes + Half(end, 20) != length) continue;
            if (at < LocatorBytes || !At(at - LocatorBytes, LocatorBytes).StartsWith("PK\x06\x07"u8)) return (Half(end, 10), Word(end, 16));
            var end64 = At(Long(At(at - LocatorBytes, LocatorBytes), 8), End64Bytes, "PK\x06\x06"u8);
            return (Long(end64, 32), Long(end64, 48));
        }
        throw Broken("it breaks off: the archive's directory, which stands at its end, is not there");
    }

    // The 64-bit record has, in this order, the fields that do not fit in 32 bits.
    private void Widen(ReadOnlySpan<byte> extra, ref long bytes, ref long packed, ref long local)
    {
        while (extra.Length >= 4)
        {
            var size = Half(extra, 2);
            if (size > extra.Length - 4) throw Broken("its directory is damaged");
            if (Half(extra, 0) == 1)
            {
                var fields = extra.Slice(4, size);
                Take(ref bytes, ref fields);
                Take(ref packed, ref fields);
                Take(ref local, ref fields);
                return;
            }
            extra = extra[(4 + size)..];
        }

        void Take(ref long field, ref ReadOnlySpan<byte> fields)
        {
            if (field != In64) return;
            if (fields.Length < sizeof(long)) throw Broken("its directory is damaged");
            field = BinaryPrimitives.ReadInt64LittleEndian(fields);
            fields = fields[sizeof(long)..];
        }
    }

    private ReadOnlySpan<byte> At(long offset, int count, ReadOnlySpan<byte> signature = default)
    {
        if (offset < 0 || offset > length - count) throw Broken("its directory points beyond the end of the file");
        var bytes = new ReadOnlySpan<byte>(start + offset, count);
        return bytes.StartsWith(signature) ? bytes : throw Broken("its directory is damaged");
    }

    private static int Half(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static long Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long Long(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private BadInputException Broken(string what) => new(path, what, "download or copy the file again");
}
