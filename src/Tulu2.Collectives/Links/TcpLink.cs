using System.Net.Sockets;
using System.Runtime.InteropServices;
using Tulu2.Collectives.Frames;

namespace Tulu2.Collectives.Links;

/// <summary>A link over one authenticated TCP connection, plain or by TLS.</summary>
internal sealed unsafe class TcpLink : Link
{
    private readonly Socket _socket;
    private readonly TlsChannel? _tls;
    private readonly int _handle;
    private readonly ulong _seed;
    private readonly long _generation;

    // Native memory. Staging holds an outgoing payload that is not in the caller's memory.
    private readonly byte* _outHeader, _inHeader;
    private byte* _staging, _held;

    private long _outSequence, _inSequence;
    private nint _outAddress;
    private int _outBytes, _outSent;
    private bool _outPending;

    private int _inHeaderBytes, _inPayloadBytes;
    private bool _headerRead;
    private FrameHeader _inFrame;

    /// <param name="seed">Seed of the checksums, derived in the handshake.</param>
    /// <param name="tls">Encrypts what goes over the socket; null: nothing does.</param>
    public TcpLink(Socket socket, int peer, long generation, ulong seed, TlsChannel? tls = null) : base(peer)
    {
        (_socket, _seed, _generation, _tls) = (socket, seed, generation, tls);
        _handle = (int)socket.Handle;
        _outHeader = (byte*)NativeMemory.Alloc(2 * FrameHeader.Size);
        _inHeader = _outHeader + FrameHeader.Size;
    }

    public override int Handle => _handle;

    internal ulong Seed => _seed;

    public override bool TryReserve(int bytes, out nint room)
    {
        room = 0;
        if (!TryFlush()) return false;
        room = (nint)Staging();
        return true;
    }

    public override void Commit(FrameKind kind, int bytes, long argument) => TrySend(kind, (nint)_staging, bytes, argument);

    public override bool TrySend(FrameKind kind, nint address, int bytes, long argument)
    {
        if (!TryFlush()) return false;
        var checksum = bytes == 0 ? 0 : FrameHeader.Checksum(new ReadOnlySpan<byte>((void*)address, bytes), _seed);
        new FrameHeader(kind, bytes, _generation, _outSequence++, argument, checksum).Write(new Span<byte>(_outHeader, FrameHeader.Size), _seed);
        (_outAddress, _outBytes, _outSent, _outPending) = (address, bytes, 0, true);
        TryFlush();
        return true;
    }

    public override bool TryFlush()
    {
        var pieces = stackalloc NativeSocket.Piece[2];
        while (_outPending)
        {
            var count = 0;
            if (_outSent < FrameHeader.Size)
                pieces[count++] = new NativeSocket.Piece { Address = (nint)_outHeader + _outSent, Bytes = FrameHeader.Size - _outSent };
            var payload = Math.Max(0, _outSent - FrameHeader.Size);
            if (payload < _outBytes) pieces[count++] = new NativeSocket.Piece { Address = _outAddress + payload, Bytes = _outBytes - payload };
            if (count > 0)
            {
                var sent = Send(pieces, count);
                if (sent < 0) throw new LinkFaultException(Peer, FrameFault.None);
                if (sent == 0) return false;
                _outSent += (int)sent;
                if (_outSent < FrameHeader.Size + _outBytes) continue;
            }
            // Until all of it is the kernel's, somebody must come back.
            var flushed = _tls?.Flush() ?? 1;
            if (flushed < 0) throw new LinkFaultException(Peer, FrameFault.None);
            if (flushed == 0) return false;
            _outPending = false;
        }
        return true;
    }

    public override void Detach()
    {
        if (!_outPending || _outAddress == (nint)_staging) return;
        var payload = Math.Max(0, _outSent - FrameHeader.Size);
        Buffer.MemoryCopy((byte*)_outAddress + payload, Staging() + payload, FrameHeader.MaxPayload, _outBytes - payload);
        _outAddress = (nint)_staging;
    }

    public override bool TryReadHeader(out FrameHeader header)
    {
        if (!_headerRead)
        {
            while (_inHeaderBytes < FrameHeader.Size)
            {
                var piece = new NativeSocket.Piece { Address = (nint)_inHeader + _inHeaderBytes, Bytes = FrameHeader.Size - _inHeaderBytes };
                var received = Receive(&piece, 1);
                if (received < 0) throw new LinkFaultException(Peer, FrameFault.None);
                if (received == 0)
                {
                    header = default;
                    return false;
                }
                _inHeaderBytes += (int)received;
            }
            var fault = FrameHeader.Read(new ReadOnlySpan<byte>(_inHeader, FrameHeader.Size), _seed, _generation, _inSequence, out _inFrame);
            if (fault != FrameFault.None) throw new LinkFaultException(Peer, fault);
            (_headerRead, _inHeaderBytes, _inPayloadBytes) = (true, 0, 0);
        }
        header = _inFrame;
        return true;
    }

    public override bool TryReceive(nint target)
    {
        if (!TryFill(target)) return false;
        Next();
        return true;
    }

    public override bool TryHold(out nint payload)
    {
        if (_held == null) _held = (byte*)NativeMemory.AlignedAlloc(FrameHeader.MaxPayload, 64);
        payload = (nint)_held;
        return TryFill(payload);
    }

    public override void Release() => Next();

    public override bool Arm(bool input, bool output, out short events)
    {
        events = 0;
        if (input) events |= NativeSocket.In;
        if (output) events |= NativeSocket.Out;
        return !input || _tls?.HasInput != true;
    }

    public override bool ArmWatch(out short events)
    {
        events = NativeSocket.Out;
        return true;
    }

    public override void Disarm(bool input, bool output, bool signalled) { }

    public override void Shutdown()
    {
        try { _socket.Shutdown(SocketShutdown.Both); }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException) { }
    }

    public override void Dispose()
    {
        _tls?.Dispose();
        _socket.Dispose();
        NativeMemory.Free(_outHeader);
        NativeMemory.AlignedFree(_staging);
        NativeMemory.AlignedFree(_held);
        _staging = _held = null;
    }

    // Asks for the next header together with the payload's end, so that each piece that arrives costs one system call.
    private bool TryFill(nint target)
    {
        var pieces = stackalloc NativeSocket.Piece[2];
        while (_inPayloadBytes < _inFrame.Length)
        {
            var missing = _inFrame.Length - _inPayloadBytes;
            pieces[0] = new NativeSocket.Piece { Address = target + _inPayloadBytes, Bytes = missing };
            pieces[1] = new NativeSocket.Piece { Address = (nint)_inHeader, Bytes = FrameHeader.Size };
            var received = (int)Receive(pieces, 2);
            if (received < 0) throw new LinkFaultException(Peer, FrameFault.None);
            if (received == 0) return false;
            _inPayloadBytes += Math.Min(received, missing);
            _inHeaderBytes = Math.Max(0, received - missing);
        }
        if (_inFrame.Length > 0 && FrameHeader.Checksum(new ReadOnlySpan<byte>((void*)target, _inFrame.Length), _seed) != _inFrame.PayloadChecksum)
            throw new LinkFaultException(Peer, FrameFault.CorruptPayload);
        return true;
    }

    private long Send(NativeSocket.Piece* pieces, int count) => _tls is null ? NativeSocket.Send(_handle, pieces, count) : _tls.Send(pieces, count);

    private long Receive(NativeSocket.Piece* pieces, int count) => _tls is null ? NativeSocket.Receive(_handle, pieces, count) : _tls.Receive(pieces, count);

    private void Next()
    {
        _headerRead = false;
        _inSequence++;
    }

    private byte* Staging()
    {
        if (_staging == null) _staging = (byte*)NativeMemory.AlignedAlloc(FrameHeader.MaxPayload, 64);
        return _staging;
    }
}
