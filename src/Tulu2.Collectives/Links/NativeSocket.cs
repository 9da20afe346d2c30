using System.Runtime.InteropServices;

namespace Tulu2.Collectives.Links;

/// <summary>
/// System calls .NET does not offer without allocation: scatter-gather sends and receives on native memory, poll, and event file descriptors.
/// </summary>
internal static unsafe partial class NativeSocket
{
    /// <summary>Events of <c>poll</c>: POLLIN and POLLOUT.</summary>
    public const short In = 0x001, Out = 0x004;

    // MSG_DONTWAIT and MSG_NOSIGNAL; EAGAIN and EINTR.
    private const int DoNotWait = 0x40, NoSignal = 0x4000;
    private const int Again = 11, Interrupted = 4;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Handle;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Piece
    {
        public nint Address;
        public nint Bytes;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public nint Name;
        public uint NameLength;
        public Piece* Pieces;
        public nint PieceCount;
        public nint Control;
        public nint ControlLength;
        public int Flags;
    }

    /// <summary>Number of bytes sent; 0 if there is no room now, negative if the connection is gone.</summary>
    public static long Send(int handle, Piece* pieces, int count)
    {
        var message = new MessageHeader { Pieces = pieces, PieceCount = count };
        while (true)
        {
            var sent = SendMessage(handle, &message, DoNotWait | NoSignal);
            if (sent >= 0) return sent;
            switch (Marshal.GetLastPInvokeError())
            {
                case Again: return 0;
                case Interrupted: continue;
                default: return -1;
            }
        }
    }

    /// <summary>Number of bytes received; 0 if nothing has arrived, negative if the connection is gone.</summary>
    public static long Receive(int handle, Piece* pieces, int count)
    {
        var message = new MessageHeader { Pieces = pieces, PieceCount = count };
        while (true)
        {
            var received = ReceiveMessage(handle, &message, DoNotWait);
            if (received > 0) return received;
            if (received == 0) return -1;
            switch (Marshal.GetLastPInvokeError())
            {
                case Again: return 0;
                case Interrupted: continue;
                default: return -1;
            }
        }
    }

    /// <summary>Waits until one of the handles has an event it is polled for, or the time is over (-1: no limit).</summary>
    public static void Poll(Span<PollEntry> entries, int milliseconds)
    {
        fixed (PollEntry* first = entries) _ = PollHandles(first, (nuint)entries.Length, milliseconds);
    }

    /// <summary>Creates an event another thread can raise to end a <see cref="Poll"/>.</summary>
    public static int CreateEvent()
    {
        var handle = EventHandle(0, 0x80800); // EFD_NONBLOCK | EFD_CLOEXEC
        return handle >= 0 ? handle : throw new IOException($"eventfd: error {Marshal.GetLastPInvokeError()}");
    }

    public static void RaiseEvent(int handle)
    {
        var one = 1L;
        _ = Write(handle, &one, sizeof(long));
    }

    public static void ClearEvent(int handle)
    {
        long value;
        _ = Read(handle, &value, sizeof(long));
    }

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int handle);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(int handle, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(int handle, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int PollHandles(PollEntry* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventHandle(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int handle, void* bytes, nint count);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(int handle, void* bytes, nint count);
}
