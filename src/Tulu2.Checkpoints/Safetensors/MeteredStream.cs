using System.Security.Cryptography;

namespace Tulu2.Checkpoints.Safetensors;

/// <summary>Writes to another stream, counting the bytes and optionally hashing them.</summary>
internal sealed class MeteredStream(Stream inner, IncrementalHash? hash = null) : Stream
{
    /// <summary>Bytes written since the start, or since this was last set.</summary>
    public long Count { get; set; }

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
        hash?.AppendData(buffer);
        Count += buffer.Length;
        inner.Write(buffer);
    }
}
