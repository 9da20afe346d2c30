using System.Net.Sockets;
using Tulu2.Collectives.Links;
using Tulu2.Collectives.Tcp;
using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.SharedMemory;

/// <summary>
/// A link through memory that two processes of one host share. The connection on which they met stays: a byte on it wakes an end that waits, and its end tells that the
/// other process is gone. Payloads carry no checksum, since nothing lies between the ends that could flip a bit unseen.
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

    /// <param name="seed">Of the headers' checksums, agreed on in the handshake.</param>
    /// <param name="isCreator">Writes the first ring and reads the second.</param>
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
        // Whoever is about to wait sets its word and then looks at the position; this end does it the other way round, so that one of them sees the other.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _out.ReaderWaits) != SharedRing.NobodyWaits && Interlocked.Exchange(ref _out.ReaderWaits, SharedRing.NobodyWaits) != SharedRing.NobodyWaits) Ring();
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
        // A copy: what is checked is what is used.
        Span<byte> copy = stackalloc byte[FrameHeader.Size];
        _in.Header(_read).CopyTo(copy);
        var fault = FrameHeader.Read(copy, _seed, _generation, _read, out _inFrame);
        if (fault != WireFault.None) throw new LinkFaultException(Peer, fault);
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
        if (Volatile.Read(ref _in.WriterWaits) == SharedRing.NobodyWaits) return;
        switch (Interlocked.Exchange(ref _in.WriterWaits, SharedRing.NobodyWaits))
        {
            case SharedRing.CallWaits:
                Ring();
                break;
            case SharedRing.WatchWaits:
                TellRoom?.Invoke();
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
        // All that the other end wrote before it went has been read.
        if (_closed) throw new LinkFaultException(Peer, WireFault.None);
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
        if (input) Volatile.Write(ref _in.ReaderWaits, SharedRing.NobodyWaits);
        if (output) Volatile.Write(ref _out.WriterWaits, SharedRing.NobodyWaits);
        if (!signalled || _closed) return;
        var rings = stackalloc byte[64];
        var piece = new NativeSocket.Piece { Address = (nint)rings, Bytes = 64 };
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
        if (_written - _seenRead < SharedRing.Slots) return true;
        _seenRead = _out.Read;
        return _written - _seenRead < SharedRing.Slots;
    }

    private void Ring()
    {
        byte ring = 1;
        var piece = new NativeSocket.Piece { Address = (nint)(&ring), Bytes = 1 };
        // No room for it: unheard rings are enough to wake the other end. Gone: this end will notice when it waits.
        _ = NativeSocket.Send(_handle, &piece, 1);
    }
}
