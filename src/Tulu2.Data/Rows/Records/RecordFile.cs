using Tulu2.Files;

namespace Tulu2.Data.Rows.Records;

/// <summary>Compression of a file as a whole.</summary>
internal enum FilePacking { None, Gzip, Zstandard }

/// <summary>A file of records and how far its bytes can be trusted.</summary>
/// <param name="Packing">How it is compressed.</param>
/// <param name="Trusted">Number of unpacked bytes, from the start, that are known to be as they were written.</param>
/// <param name="Damage">What is wrong with the file after these; null: nothing.</param>
internal sealed record RecordFile(string Path, FilePacking Packing, long Trusted, string? Damage)
{
    /// <summary>Number of trusted bytes that are covered by a checksum (all of them in a plain file).</summary>
    public long Verified { get; init; } = Trusted;

    public bool IsPacked => Packing != FilePacking.None;

    /// <summary>
    /// Reads a packed file to its end once, since a checksum stands at the end of what it covers: no row is taken before it is known to be right.
    /// </summary>
    public static RecordFile Examine(string path)
    {
        var file = Unexamined(path);
        if (!file.IsPacked) return file;
        using var stream = file.Open();
        var buffer = new byte[1 << 16];
        long length = 0;
        try
        {
            int count;
            while ((count = stream.Read(buffer, 0, buffer.Length)) > 0) length += count;
            return file with { Trusted = length, Verified = length };
        }
        catch (PackedDamageException damage)
        {
            return file with { Trusted = damage.Trusted, Verified = damage.Verified, Damage = damage.Message };
        }
    }

    /// <summary>
    /// The file without that check, to look at its first records: the stream of <see cref="Open"/> throws <see cref="PackedDamageException"/> where the file is
    /// damaged.
    /// </summary>
    public static RecordFile Unexamined(string path)
    {
        using var stream = OpenBytes(Existing(path));
        Span<byte> head = stackalloc byte[4];
        head = head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        var packing = head is [0x1f, 0x8b, ..] ? FilePacking.Gzip : head is [0x28, 0xB5, 0x2F, 0xFD] ? FilePacking.Zstandard : FilePacking.None;
        return new RecordFile(path, packing, long.MaxValue, null);
    }

    /// <summary>The path, if there is a file and its content is not recognised as something else.</summary>
    public static string Existing(string path)
    {
        ForeignContent.Refuse(path, FileUse.Rows);
        return path;
    }

    /// <summary>The file's own bytes, still packed.</summary>
    public static FileStream OpenBytes(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, "cannot be read", "check its permissions, and that nothing writes to it", failure);
        }
    }

    /// <summary>The trusted bytes, unpacked.</summary>
    public Stream Open()
    {
        var bytes = OpenBytes(Path);
        if (!IsPacked) return bytes;
        Stream unpacked = Packing == FilePacking.Gzip ? new CheckedGzipStream(bytes) : new CheckedZstdStream(bytes);
        return Trusted == long.MaxValue ? unpacked : new Beginning(unpacked, this);
    }

    /// <summary>The first <see cref="Trusted"/> bytes of a stream.</summary>
    private sealed class Beginning(Stream whole, RecordFile file) : ForwardStream(whole)
    {
        private long left = file.Trusted;

        public override int Read(byte[] target, int offset, int count)
        {
            if (left == 0) return 0;
            try
            {
                var given = Source.Read(target, offset, (int)Math.Min(count, left));
                left -= given;
                if (given > 0 || count == 0) return given;
            }
            catch (PackedDamageException)
            {
                // Reported below: the file was not damaged here when it was examined.
            }
            throw new BadInputException(file.Path, "changed while it was read", "start again when nothing writes to it any more");
        }
    }
}
