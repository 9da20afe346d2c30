using System.Net.Sockets;
using Tulu2.Collectives.Frames;

namespace Tulu2.Collectives.Links;

/// <summary>
/// A link through memory shared by two processes of one host. The TCP connection over which they met stays open: a byte on it wakes a waiting end, and its
/// closing shows that the other process is gone. Payloads carry no checksum, since no device lies between the ends.
/// </summary>
internal sealed unsafe class SharedMemoryLink : Link
{
    private readonly Socket _socket;
    private readonly int _handle;
    private readonly SharedMapping _mapping;
    private readonly SharedRing _out, _in;
    private readonly long _generation;
    private readonly ulong _seed;

    private long _written, _read, _seenRead;
    private bool _headerRead, _closed;
    private FrameHeader _inFrame;

    /// <param name="seed">Seed of the header checksums, derived in the handshake.</param>
    /// <param name="isCreator">True: this end writes the first ring and reads the second. False: the other way round.</param>
    public SharedMemoryLink(Socket socket, SharedMapping mapping, int peer, long generation, ulong seed, bool isCreator) : base(peer)
    {
        (_socket, _mapping, _generation, _seed) = (socket, mapping, generation, seed);
        _handle = (int)socket.Handle;
        _out = new SharedRing(mapping.Address, isCreator ? 0 : 1);
        _in = new SharedRing(mapping.Address, isCreator ? 1 : 0);
    }

    public override int Handle => _handle;

    public override bool TryReserve(int bytes, out nint room)
    {
        room = 0;
        if (!HasRoom()) return false;
        room = (nint)_out.Payload(_written);
        return true;
    }

    public override void Commit(FrameKind kind, int bytes, long argument)
    {
        new FrameHeader(kind, bytes, _generation, _written, argument, 0).Write(_out.Header(_written), _seed);
        var ring = _out;
        ring.Written = ++_written;
        // A reader about to wait sets its flag, then reads the position; this end writes the position, then reads the flag. So at least one sees the other.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _out.ReaderWaits) == SharedRing.NoneWaits) return;
        if (Interlocked.Exchange(ref _out.ReaderWaits, SharedRing.NoneWaits) != SharedRing.NoneWaits) WakePeer();
    }

    public override bool TrySend(FrameKind kind, nint address, int bytes, long argument)
    {
        if (!HasRoom()) return false;
        Buffer.MemoryCopy((void*)address, _out.Payload(_written), FrameHeader.MaxPayload, bytes);
        Commit(kind, bytes, argument);
        return true;
    }

    public override bool TryFlush() => true;

    public override void Detach() { }

    public override bool TryReadHeader(out FrameHeader header)
    {
        header = _inFrame;
        if (_headerRead) return true;
        if (_in.Written == _read) return false;
        // Check and use a private copy: the peer can still write to the shared one.
        Span<byte> copy = stackalloc byte[FrameHeader.Size];
        _in.Header(_read).CopyTo(copy);
        var fault = FrameHeader.Read(copy, _seed, _generation, _read, out _inFrame);
        if (fault != FrameFault.None) throw new LinkFaultException(Peer, fault);
        header = _inFrame;
        return _headerRead = true;
    }

    public override bool TryReceive(nint target)
    {
        Buffer.MemoryCopy(_in.Payload(_read), (void*)target, _inFrame.Length, _inFrame.Length);
        Release();
        return true;
    }

    public override bool TryHold(out nint payload)
    {
        payload = (nint)_in.Payload(_read);
        return true;
    }

    public override void Release()
    {
        _headerRead = false;
        var ring = _in;
        ring.Read = ++_read;
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _in.WriterWaits) == SharedRing.NoneWaits) return;
        switch (Interlocked.Exchange(ref _in.WriterWaits, SharedRing.NoneWaits))
        {
            case SharedRing.CallWaits:
                WakePeer();
                break;
            case SharedRing.WatchWaits:
                NotifyRoom?.Invoke();
                break;
        }
    }

    public override bool Arm(bool input, bool output, out short events)
    {
        events = NativeSocket.In;
        if (input) Volatile.Write(ref _in.ReaderWaits, SharedRing.CallWaits);
        if (output) Volatile.Write(ref _out.WriterWaits, SharedRing.CallWaits);
        Interlocked.MemoryBarrier();
        if ((input && _in.Written != _read) || (output && HasRoom())) return false;
        // Everything the other end wrote before it closed has been read.
        if (_closed) throw new LinkFaultException(Peer, FrameFault.None);
        return true;
    }

    public override bool ArmWatch(out short events)
    {
        events = 0;
        Volatile.Write(ref _out.WriterWaits, SharedRing.WatchWaits);
        Interlocked.MemoryBarrier();
        return !HasRoom();
    }

    public override void Disarm(bool input, bool output, bool signalled)
    {
        if (input) Volatile.Write(ref _in.ReaderWaits, SharedRing.NoneWaits);
        if (output) Volatile.Write(ref _out.WriterWaits, SharedRing.NoneWaits);
        if (!signalled || _closed) return;
        var wakes = stackalloc byte[64];
        var piece = new NativeSocket.Piece { Address = (nint)wakes, Bytes = 64 };
        _closed = NativeSocket.Receive(_handle, &piece, 1) < 0;
    }

    public override void Shutdown()
    {
        try { _socket.Shutdown(SocketShutdown.Both); }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException) { }
    }

    public override void Dispose()
    {
        _socket.Dispose();
        _mapping.Dispose();
    }

    private bool HasRoom()
    {
        if (_written - _seenRead < SharedRing.Capacity) return true;
        _seenRead = _out.Read;
        return _written - _seenRead < SharedRing.Capacity;
    }

    private void WakePeer()
    {
        byte wake = 1;
        var piece = new NativeSocket.Piece { Address = (nint)(&wake), Bytes = 1 };
        // If the socket is full, the unread bytes suffice to wake the other end. If the other end is gone, this end notices when it waits.
        _ = NativeSocket.Send(_handle, &piece, 1);
    }
}
