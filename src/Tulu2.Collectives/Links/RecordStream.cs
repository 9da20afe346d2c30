using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Tulu2.Collectives.Links;

/// <summary>
/// The socket under a TLS stream. Until <see cref="StopWaiting"/> it waits as any stream does, and takes no byte behind the record that is read, so that the socket can be used without TLS
/// afterwards. From then on nothing waits: a read for which nothing has arrived stays pending until <see cref="Pump"/>, and bytes for which the socket has no room stay here until <see
/// cref="TryFlush"/>. One thread may read while another one writes.
/// </summary>
internal sealed class RecordStream(Socket socket) : Stream, IValueTaskSource<int>
{
    private const int HeaderSize = 5;

    private readonly int _handle = (int)socket.Handle;
    private readonly byte[] _header = new byte[HeaderSize];
    private int _headerBytes, _recordLeft;
    private bool _waits = true;

    // The one read that may be pending. What awaits it goes on at once, on the thread that pumps: no other one is woken for a record.
    private Memory<byte> _into;
    private bool _pending;
    private int _result;
    private Action<object?>? _then;
    private object? _state;

    private byte[] _out = [];
    private int _outBytes, _outSent;

    public void StopWaiting() => _waits = false;

    /// <summary>Gives a pending read what has arrived, and ends it if the other end is gone.</summary>
    /// <returns>False: a read is pending, and nothing has arrived.</returns>
    public bool Pump()
    {
        if (!_pending) return true;
        var received = Receive(_into.Span);
        if (received == 0) return false;
        Complete(Math.Max(0, received));
        return true;
    }

    /// <summary>Ends a pending read as if the other end were gone.</summary>
    public void EndRead()
    {
        if (_pending) Complete(0);
    }

    /// <summary>Sends what the socket had no room for; false if it still has not.</summary>
    /// <exception cref="IOException">The connection is gone.</exception>
    public bool TryFlush()
    {
        while (_outSent < _outBytes)
        {
            var sent = Send(_out.AsSpan(_outSent, _outBytes - _outSent));
            if (sent == 0) return false;
            _outSent += sent;
        }
        _outSent = _outBytes = 0;
        return true;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_waits) return ReadRecordAsync(buffer, cancellationToken);
        // Asks whether there is something to read, which the next read finds out.
        if (buffer.Length == 0) return new ValueTask<int>(0);
        var received = Receive(buffer.Span);
        if (received != 0) return new ValueTask<int>(Math.Max(0, received));
        (_into, _pending) = (buffer, true);
        return new ValueTask<int>(this, 0);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        for (var at = 0; at < buffer.Length;) at += await socket.SendAsync(buffer[at..], SocketFlags.None, cancellationToken).ConfigureAwait(false);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var sent = _outBytes == _outSent ? Send(buffer) : 0;
        var left = buffer[sent..];
        if (left.Length == 0) return;
        if (_out.Length - _outBytes < left.Length) Array.Resize(ref _out, Math.Max(2 * _out.Length, _outBytes + left.Length));
        left.CopyTo(_out.AsSpan(_outBytes));
        _outBytes += left.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() { }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    int IValueTaskSource<int>.GetResult(short token) => _result;
    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _pending ? ValueTaskSourceStatus.Pending : ValueTaskSourceStatus.Succeeded;
    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        (_then, _state) = (continuation, state);

    private async ValueTask<int> ReadRecordAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        if (buffer.Length == 0) return 0;
        var most = _recordLeft > 0 ? _recordLeft : HeaderSize - _headerBytes;
        var received = await socket.ReceiveAsync(buffer[..Math.Min(most, buffer.Length)], SocketFlags.None, cancellation).ConfigureAwait(false);
        if (_recordLeft > 0) _recordLeft -= received;
        else
        {
            buffer.Span[..received].CopyTo(_header.AsSpan(_headerBytes));
            _headerBytes += received;
            // Content type (1 byte), version (2), length (2).
            if (_headerBytes == HeaderSize) (_recordLeft, _headerBytes) = (_header[3] << 8 | _header[4], 0);
        }
        return received;
    }

    private void Complete(int bytes)
    {
        var (then, state) = (_then, _state);
        (_into, _pending, _result, _then, _state) = (default, false, bytes, null, null);
        then?.Invoke(state);
    }

    // Negative: the connection is gone.
    private unsafe int Receive(Span<byte> target)
    {
        fixed (byte* first = target)
        {
            var piece = new NativeSocket.Piece { Address = (nint)first, Bytes = target.Length };
            return (int)NativeSocket.Receive(_handle, &piece, 1);
        }
    }

    private unsafe int Send(ReadOnlySpan<byte> bytes)
    {
        var all = 0;
        while (all < bytes.Length)
        {
            fixed (byte* first = bytes[all..])
            {
                var piece = new NativeSocket.Piece { Address = (nint)first, Bytes = bytes.Length - all };
                var sent = (int)NativeSocket.Send(_handle, &piece, 1);
                if (sent < 0) throw new IOException("the connection is gone");
                if (sent == 0) break;
                all += sent;
            }
        }
        return all;
    }
}
