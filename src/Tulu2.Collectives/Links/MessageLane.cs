using System.Runtime.CompilerServices;
using Tulu2.Collectives.Tcp;
using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.Links;

/// <summary>
/// Messages from this rank to a peer. What the transport takes at once goes straight from the caller's memory; the rest is copied and sent by the thread that
/// watches over the peers, so that the caller goes on.
/// </summary>
internal sealed unsafe class MessageLane(LinkedGeneration generation, Link link)
{
    private sealed class Waiting
    {
        public required byte[] Memory;
        public long Total;
        public long Bytes;
        public long At;
        public bool IsTaken;
    }

    // Pinned; of the messages that waited last, for those that come.
    private readonly Stack<byte[]> _free = new();
    private readonly Queue<Waiting> _waiting = new();
    private readonly object _gate = new();

    public Link Link => link;

    public void Send(nint address, long bytes, Deadline deadline)
    {
        lock (_gate)
        {
            while (_waiting.Count >= ICollective.SendWindow)
            {
                generation.ThrowIfEnded();
                if (deadline.IsOver) break;
                // Nobody wakes this lock at the end of a generation.
                Monitor.Wait(_gate, Math.Min(20, deadline.LeftMilliseconds));
            }
            if (_waiting.Count < ICollective.SendWindow)
            {
                generation.ThrowIfEnded();
                Take(address, bytes);
                return;
            }
        }
        throw generation.EndAtDeadline(deadline.Allowed);
    }

    /// <summary>Sends what can be sent of the messages that wait. True: none is left.</summary>
    public bool Pump()
    {
        lock (_gate)
        {
            while (_waiting.TryPeek(out var message))
            {
                message.IsTaken = message.IsTaken || Push(Address(message.Memory), ref message.At, message.Bytes, message.Total);
                // The link may still read the memory, so that it is used again only when all of it is under way.
                if (!message.IsTaken || !link.TryFlush()) return false;
                _waiting.Dequeue();
                if (_free.Count < ICollective.SendWindow) _free.Push(message.Memory);
                Monitor.PulseAll(_gate);
            }
            return link.TryFlush();
        }
    }

    /// <summary>What the thread that watches has to wait for. False: there is room now.</summary>
    public bool Arm(List<NativeSocket.PollEntry> entries)
    {
        lock (_gate)
        {
            if (!link.ArmWatch(out var events)) return false;
            if (events != 0) entries.Add(new NativeSocket.PollEntry { Handle = link.Handle, Events = events });
            return true;
        }
    }

    private void Take(nint address, long bytes)
    {
        var at = 0L;
        if (_waiting.Count == 0)
        {
            var taken = Push(address, ref at, bytes, bytes);
            link.Detach();
            if (taken)
            {
                if (!link.TryFlush()) generation.Attend(this);
                return;
            }
        }
        var rest = checked((int)(bytes - at));
        var memory = _free.TryPop(out var free) && free.Length >= rest ? free : GC.AllocateUninitializedArray<byte>(Math.Max(1, rest), pinned: true);
        new ReadOnlySpan<byte>((byte*)address + at, rest).CopyTo(memory);
        _waiting.Enqueue(new Waiting { Memory = memory, Bytes = rest, Total = bytes });
        generation.Attend(this);
    }

    // An empty message is a frame too.
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
