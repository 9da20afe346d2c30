using System.Runtime.CompilerServices;
using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Generations;

/// <summary>
/// Sends messages from this rank to one peer. The part that the transport accepts at once is sent from the caller's memory; the rest is copied and sent by the
/// generation's watch thread, so that the caller can go on.
/// </summary>
internal sealed unsafe class MessageSender(LinkedGeneration generation, Link link)
{
    private sealed class Pending
    {
        public required byte[] Memory;
        public long Total;
        public long Bytes;
        public long At;
        public bool IsAccepted;
    }

    // Pinned buffers of earlier messages, for reuse.
    private readonly Stack<byte[]> _free = new();
    private readonly Queue<Pending> _pending = new();
    private readonly object _gate = new();

    public void Send(nint address, long bytes, Deadline deadline)
    {
        lock (_gate)
        {
            while (_pending.Count >= ICollective.SendWindow)
            {
                generation.ThrowIfEnded();
                if (deadline.IsOver) break;
                // Nothing signals this lock at the end of a generation.
                Monitor.Wait(_gate, Math.Min(20, deadline.LeftMilliseconds));
            }
            if (_pending.Count < ICollective.SendWindow)
            {
                generation.ThrowIfEnded();
                Accept(address, bytes);
                return;
            }
        }
        throw generation.EndAtDeadline(deadline);
    }

    /// <summary>Sends what the link accepts of the pending messages. True if none is left.</summary>
    public bool SendPending()
    {
        lock (_gate)
        {
            while (_pending.TryPeek(out var message))
            {
                message.IsAccepted = message.IsAccepted || Push(Address(message.Memory), ref message.At, message.Bytes, message.Total);
                // The link may still read the memory, so it is reused only after a flush.
                if (!message.IsAccepted || !link.TryFlush()) return false;
                _pending.Dequeue();
                if (_free.Count < ICollective.SendWindow) _free.Push(message.Memory);
                Monitor.PulseAll(_gate);
            }
            return link.TryFlush();
        }
    }

    /// <summary>Adds the event the watch thread has to wait for. False if there is room to write now.</summary>
    public bool Arm(List<NativeSocket.PollEntry> entries)
    {
        lock (_gate)
        {
            if (!link.ArmWatch(out var events)) return false;
            if (events != 0) entries.Add(new NativeSocket.PollEntry { Handle = link.Handle, Events = events });
            return true;
        }
    }

    private void Accept(nint address, long bytes)
    {
        var at = 0L;
        if (_pending.Count == 0)
        {
            var isAccepted = Push(address, ref at, bytes, bytes);
            link.Detach();
            if (isAccepted)
            {
                if (!link.TryFlush()) generation.FinishSending(this);
                return;
            }
        }
        var rest = checked((int)(bytes - at));
        var memory = _free.TryPop(out var free) && free.Length >= rest ? free : GC.AllocateUninitializedArray<byte>(Math.Max(1, rest), pinned: true);
        new ReadOnlySpan<byte>((byte*)address + at, rest).CopyTo(memory);
        _pending.Enqueue(new Pending { Memory = memory, Bytes = rest, Total = bytes });
        generation.FinishSending(this);
    }

    // An empty message is one frame too.
    private bool Push(nint address, ref long at, long end, long total)
    {
        do
        {
            var bytes = (int)Math.Min(FrameHeader.MaxPayload, end - at);
            if (!link.TrySend(FrameKind.Message, address + (nint)at, bytes, total)) return false;
            at += bytes;
        }
        while (at < end);
        return true;
    }

    private static nint Address(byte[] pinned) => (nint)Unsafe.AsPointer(ref pinned[0]);
}
