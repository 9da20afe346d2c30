using System.Runtime.InteropServices;
using System.Text;
using Tulu2.Collectives.Tcp;
using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.Links;

/// <summary>
/// The one thread that a generation costs. It waits on the control connections, so that a peer's death ends every call at once, whatever it waits for; it sends what
/// <see cref="ICollective.Send"/> left behind; and it closes everything when the generation is over.
/// </summary>
internal sealed unsafe class PeerWatch
{
    // Reasons are for people; longer ones are cut.
    private const int MaxReason = 1024;

    private readonly LinkedGeneration _generation;
    private readonly Lock _gate = new();
    private readonly List<Link> _controls = [];
    private readonly List<MessageLane> _lanes = [];
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

    public void Attend(MessageLane lane)
    {
        Keep(lane);
        Wake();
    }

    public void Wake()
    {
        lock (_gate)
            if (_event >= 0) NativeSocket.RaiseEvent(_event);
    }

    /// <summary>Sends a word to the peers, or to one of them. Best effort: a peer that cannot take it now is dead or will hear the connection end.</summary>
    public void Tell(FrameKind kind, ReadOnlySpan<byte> text, int? peer = null)
    {
        lock (_gate)
        {
            if (_event < 0) return;
            foreach (var control in _controls)
                if (peer is null || control.Peer == peer) Tell(control, kind, text);
        }
    }

    /// <summary>Sends a word over a control connection that nobody else uses at the time.</summary>
    public static void Tell(Link control, FrameKind kind, ReadOnlySpan<byte> text)
    {
        try
        {
            if (!control.TryReserve(MaxReason, out var room)) return;
            var length = Math.Min(MaxReason, text.Length);
            text[..length].CopyTo(new Span<byte>((void*)room, length));
            control.Commit(kind, length, 0);
        }
        catch (LinkFaultException) { }
    }

    public void Join()
    {
        if (Thread.CurrentThread != _thread) _thread.Join();
    }

    private void Run()
    {
        var left = new HashSet<Link>();
        while (!_generation.IsEnded)
        {
            Link[] controls;
            MessageLane[] lanes;
            lock (_gate)
            {
                (controls, lanes) = ([.. _controls.Where(control => !left.Contains(control))], [.. _lanes]);
                _lanes.Clear();
            }
            lanes = [.. lanes.Where(lane => !Pump(lane))];
            foreach (var lane in lanes) Keep(lane);
            Wait(controls, lanes);
            foreach (var control in controls) Read(control, left);
        }
        lock (_gate)
        {
            _ = NativeSocket.Close(_event);
            _event = -1;
        }
        _generation.CloseLinks();
    }

    private void Keep(MessageLane lane)
    {
        lock (_gate)
            if (!_lanes.Contains(lane)) _lanes.Add(lane);
    }

    private bool Pump(MessageLane lane)
    {
        try
        {
            return lane.Pump();
        }
        catch (LinkFaultException fault)
        {
            _generation.EndByFault(fault);
            return true;
        }
    }

    private void Wait(Link[] controls, MessageLane[] lanes)
    {
        var entries = new List<NativeSocket.PollEntry> { new() { Handle = _event, Events = NativeSocket.In } };
        foreach (var control in controls) entries.Add(new NativeSocket.PollEntry { Handle = control.Handle, Events = NativeSocket.In });
        var ready = false;
        foreach (var lane in lanes) ready |= !lane.Arm(entries);
        if (ready) return;
        NativeSocket.Poll(CollectionsMarshal.AsSpan(entries), -1);
        NativeSocket.ClearEvent(_event);
    }

    private void Read(Link control, HashSet<Link> left)
    {
        try
        {
            while (control.TryReadHeader(out var header))
            {
                if (header.Length > MaxReason) throw new LinkFaultException(control.Peer, WireFault.Oversized);
                if (!control.TryHold(out var payload)) return;
                var text = new ReadOnlySpan<byte>((void*)payload, header.Length).ToArray();
                control.Release();
                switch (header.Kind)
                {
                    case FrameKind.Goodbye:
                        left.Add(control);
                        _generation.PeerLeaves(control.Peer);
                        return;
                    case FrameKind.Abort:
                        _generation.Abort(Encoding.UTF8.GetString(text));
                        return;
                    case FrameKind.Room:
                        break;
                    case FrameKind.Open when Lane.TryRead(text, out var lane):
                        _generation.Connect(control.Peer, lane);
                        break;
                    default:
                        throw new LinkFaultException(control.Peer, WireFault.Unexpected);
                }
            }
        }
        catch (LinkFaultException fault) when (fault.Fault == WireFault.None)
        {
            _generation.Abort($"rank {control.Peer} is gone");
        }
        catch (LinkFaultException fault)
        {
            _generation.EndByFault(fault);
        }
    }
}
