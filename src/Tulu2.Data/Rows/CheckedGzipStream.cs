using System.IO.Compression;

namespace Tulu2.Data.Rows;

/// <summary>
/// Unpacks gzip and notices when the data breaks off. <see cref="GZipStream"/> ends quietly there, as if the file were whole; so a member of our own is
/// put after the file's last byte, and only if exactly its content comes out at the end was everything before it complete.
/// </summary>
internal sealed class CheckedGzipStream : Stream
{
    private static readonly byte[] Mark = "\u0001tulu2: the gzip data before this is whole\u0001"u8.ToArray();
    private static readonly byte[] MarkMember = Pack(Mark);

    private readonly GZipStream unpacked;
    private readonly byte[] buffer = new byte[1 << 16];
    private int start;
    private int end;
    private bool ended;

    public CheckedGzipStream(Stream file) => unpacked = new GZipStream(new Appended(file, MarkMember), CompressionMode.Decompress);

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <exception cref="InvalidDataException">The data is damaged or breaks off.</exception>
    public override int Read(Span<byte> target)
    {
        // The last bytes seen so far may be the mark: they are held back until more arrives.
        while (!ended && end - start <= Mark.Length) Fill();
        if (ended && !buffer.AsSpan(start, end - start).EndsWith(Mark)) throw new InvalidDataException("the gzip data breaks off");
        var count = Math.Min(target.Length, end - start - Mark.Length);
        buffer.AsSpan(start, count).CopyTo(target);
        start += count;
        return count;
    }

    public override int Read(byte[] target, int offset, int count) => Read(target.AsSpan(offset, count));
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] source, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) unpacked.Dispose();
        base.Dispose(disposing);
    }

    private void Fill()
    {
        if (start > 0)
        {
            Buffer.BlockCopy(buffer, start, buffer, 0, end - start);
            (start, end) = (0, end - start);
        }
        var count = unpacked.Read(buffer, end, buffer.Length - end);
        end += count;
        ended = count == 0;
    }

    private static byte[] Pack(byte[] bytes)
    {
        var memory = new MemoryStream();
        using (var zip = new GZipStream(memory, CompressionLevel.Optimal, leaveOpen: true)) zip.Write(bytes);
        return memory.ToArray();
    }

    /// <summary>A file and then some bytes.</summary>
    private sealed class Appended(Stream file, byte[] after) : Stream
    {
        private int given;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> target)
        {
            // A read is filled up across the seam where it can be, so that a member's head is not cut in two.
            var count = file.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
            var more = Math.Min(target.Length - count, after.Length - given);
            after.AsSpan(given, more).CopyTo(target[count..]);
            given += more;
            return count + more;
        }

        public override int Read(byte[] target, int offset, int count) => Read(target.AsSpan(offset, count));
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] source, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
