using Tulu2.Files;

namespace Tulu2.Checkpoints;

/// <summary>
/// Writes a large file to another stream as long as its file system has room beside what is left to the ledger: several ranks write at once, and each has looked before it
/// began.
/// </summary>
internal sealed class SparingStream(Stream inner, string directory) : Stream
{
    private const long Interval = 16L << 20;
    private long _unchecked;

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() => inner.Flush();
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _unchecked += buffer.Length;
        if (_unchecked >= Interval)
        {
            FreeSpace.Check(directory, buffer.Length);
            _unchecked = 0;
        }
        inner.Write(buffer);
    }
}
