using System.Runtime.InteropServices;
using System.Text;
using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Generations;

/// <summary>
/// The one thread of a generation. It waits on the control links, so that a peer's death ends every pending call at once; it sends the messages that
/// <see cref="ICollective.Send"/> left pending; and it closes all links when the generation is over.
/// </summary>
internal sealed unsafe class PeerWatch
{
    // Reasons are for people; longer ones are cut.
    private const int MaxText = 1024;

    private readonly LinkedGeneration _generation;
    private readonly Lock _gate = new();
    private readonly List<Link> _controls = [];
    private readonly List<MessageSender> _senders = [];
    private readonly Thread _thread;
    private int _event = NativeSocket.CreateEvent();

    public PeerWatch(LinkedGeneration generation)
    {
        _generation = generation;
        _thread = new Thread(Run) { IsBackground = true, Name = $"peers of rank {generation.Rank}" };
        _thread.Start();
    }

    public void Add(Link control)
    {
        lock (_gate) _controls.Add(control);
        Wake();
    }

    /// <summary>Takes over sending a peer's pending messages.</summary>
    public void FinishSending(MessageSender sender)
    {
        Keep(sender);
        Wake();
    }

    public void Wake()
    {
        lock (_gate)
            if (_event >= 0) NativeSocket.RaiseEvent(_event);
    }

    /// <summary>Sends a control frame to all peers, or to one. Best effort: a peer that cannot accept it now is dead or will see the connection end.</summary>
    public void Notify(FrameKind kind, ReadOnlySpan<byte> text, int? peer = null)
    {
        lock (_gate)
        {
            if (_event < 0) return;
            foreach (var control in _controls)
                if (peer is null || control.Peer == peer) Notify(control, kind, text);
        }
    }

    /// <summary>Sends a control frame over a link that no other thread uses at the time.</summary>
    public static void Notify(Link control, FrameKind kind, ReadOnlySpan<byte> text)
    {
        try
        {
            if (!control.TryReserve(MaxText, out var room)) return;
            var length = Math.Min(MaxText, text.Length);
            text[..length].CopyTo(new Span<byte>((void*)room, length));
            control.Commit(kind, length, 0);
        }
        catch (LinkFaultException) { }
    }

    public bool IsCurrentThread => Thread.CurrentThread == _thread;

    public void Join()
    {
        if (!IsCurrentThread) _thread.Join();
    }

    private void Run()
    {
        var departed = new HashSet<Link>();
        while (!_generation.IsEnded)
        {
            Link[] controls;
            MessageSender[] senders;
            lock (_gate)
            {
                (controls, senders) = ([.. _controls.Where(control => !departed.Contains(control))], [.. _senders]);
                _senders.Clear();
            }
            senders = [.. senders.Where(sender => !SendPending(sender))];
            foreach (var sender in senders) Keep(sender);
            Wait(controls, senders);
            foreach (var control in controls) Read(control, departed);
        }
        lock (_gate)
        {
            _ = NativeSocket.Close(_event);
            _event = -1;
        }
        _generation.CloseLinks();
    }

    private void Keep(MessageSender sender)
    {
        lock (_gate)
            if (!_senders.Contains(sender)) _senders.Add(sender);
    }

    private bool SendPending(MessageSender sender)
    {
        try
        {
            return sender.SendPending();
        }
        catch (LinkFaultException fault)
        {
            _generation.EndByFault(fault);
            return true;
        }
    }

    private void Wait(Link[] controls, MessageSender[] senders)
    {
        var entries = new List<NativeSocket.PollEntry> { new() { Handle = _event, Events = NativeSocket.In } };
        foreach (var control in controls) entries.Add(new NativeSocket.PollEntry { Handle = control.Handle, Events = NativeSocket.In });
        var ready = false;
        foreach (var sender in senders) ready |= !sender.Arm(entries);
        if (ready) return;
        NativeSocket.Poll(CollectionsMarshal.AsSpan(entries), -1);
        NativeSocket.ClearEvent(_event);
    }

    private void Read(Link control, HashSet<Link> departed)
    {
        try
        {
            while (control.TryReadHeader(out var header))
            {
                if (header.Length > MaxText) throw new LinkFaultException(control.Peer, FrameFault.Oversized);
                if (!control.TryHold(out var payload)) return;
                var text = new ReadOnlySpan<byte>((void*)payload, header.Length).ToArray();
                control.Release();
                switch (header.Kind)
                {
                    case FrameKind.Goodbye:
                        departed.Add(control);
                        _generation.PeerLeaves(control.Peer);
                        return;
                    case FrameKind.Abort:
                        _generation.Abort(Encoding.UTF8.GetString(text));
                        return;
                    case FrameKind.Room:
                        break;
                    case FrameKind.Open when LinkKey.TryRead(text, out var key):
                        _generation.Connect(control.Peer, key);
                        break;
                    default:
                        throw new LinkFaultException(control.Peer, FrameFault.Unexpected);
                }
            }
        }
        catch (LinkFaultException fault) when (fault.Fault == FrameFault.None)
        {
            _generation.Abort($"rank {control.Peer} is gone");
        }
        catch (LinkFaultException fault)
        {
            _generation.EndByFault(fault);
        }
    }
}
