using System.Net.Security;
using Tulu2.Collectives.Frames;

namespace Tulu2.Collectives.Links;

/// <summary>
/// The bytes of a TLS connection for a link that waits for nothing: encrypted and decrypted by the thread that sends or receives, as much as the socket takes or has. One thread may receive
/// while another one sends.
/// </summary>
internal sealed class TlsChannel(SslStream secure, RecordStream records) : IDisposable
{
    private readonly byte[] _out = new byte[FrameHeader.Size + FrameHeader.MaxPayload], _in = new byte[64 * 1024];
    private Task? _reading;
    private bool _isGone;
    private int _inStart, _inEnd;

    /// <summary>As <see cref="NativeSocket.Send"/>. What is accepted may still be on its way to the socket: see <see cref="Flush"/>.</summary>
    public unsafe long Send(NativeSocket.Piece* pieces, int count)
    {
        if (Flush() is <= 0 and var stuck) return stuck;
        var bytes = 0;
        for (var index = 0; index < count; index++)
        {
            var taken = (int)Math.Min(pieces[index].Bytes, _out.Length - bytes);
            new ReadOnlySpan<byte>((void*)pieces[index].Address, taken).CopyTo(_out.AsSpan(bytes));
            bytes += taken;
        }
        try
        {
            secure.Write(_out, 0, bytes);
            return bytes;
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            return -1;
        }
    }

    /// <summary>1 once the socket has all that was accepted; 0 if it has no room now, negative if the connection is gone.</summary>
    public int Flush()
    {
        try
        {
            return records.TryFlush() ? 1 : 0;
        }
        catch (IOException)
        {
            return -1;
        }
    }

    /// <summary>As <see cref="NativeSocket.Receive"/>.</summary>
    public unsafe long Receive(NativeSocket.Piece* pieces, int count)
    {
        if (Fill() is <= 0 and var none) return none;
        var bytes = 0L;
        for (var index = 0; index < count && _inStart < _inEnd; index++)
        {
            var taken = (int)Math.Min(pieces[index].Bytes, _inEnd - _inStart);
            _in.AsSpan(_inStart, taken).CopyTo(new Span<byte>((void*)pieces[index].Address, taken));
            _inStart += taken;
            bytes += taken;
        }
        return bytes;
    }

    /// <summary>Whether <see cref="Receive"/> would not return 0. The socket cannot tell: what it had may have been read already.</summary>
    public bool HasInput => Fill() != 0;

    public void Dispose()
    {
        records.EndRead();
        secure.Dispose();
    }

    // 1: there are decrypted bytes. 0: nothing has arrived. Negative: the connection is gone.
    private int Fill()
    {
        if (_inStart < _inEnd) return 1;
        _reading ??= ReadAsync();
        // A record may arrive in parts.
        while (!_reading.IsCompleted)
            if (!records.Pump()) return 0;
        _reading = null;
        return _isGone ? -1 : 1;
    }

    // Goes on within Pump, on the thread that receives.
    private async Task ReadAsync()
    {
        try
        {
            (_inStart, _inEnd) = (0, await secure.ReadAsync(_in).ConfigureAwait(false));
            _isGone = _inEnd == 0;
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            _isGone = true;
        }
    }
}
