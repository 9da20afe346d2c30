using System.Text;
using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Generations;

/// <summary>
/// One rank's end of a generation, shared by its collectives: the links to its peers, and whether the generation is over. A generation that is over stays over;
/// its links are closed as soon as no call uses them. Thread-safe.
/// </summary>
/// <param name="connect">Connects to a lower rank; higher ranks connect to this one. Ends only with a link, an exception or the cancellation.</param>
/// <param name="onFault">Called when a peer's invalid bytes end the generation.</param>
internal sealed class LinkedGeneration(
    long number, int rank, int size, Func<int, LinkKey, CancellationToken, Task<Link>> connect, Action<int, FrameFault> onFault)
{
    // More links than a layout has groups.
    private const int MaxLinksPerPeer = 64;

    // How long pending calls may still read what a rank sent before it left.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly object _gate = new();
    private readonly Dictionary<(int Peer, LinkKey Key), Link> _links = [];
    private readonly Dictionary<(int Peer, LinkKey Key), MessageSender> _senders = [];
    private readonly CancellationTokenSource _over = new();
    // Outlives _over: a peer not reached yet when the generation ends is still notified if it can be reached soon.
    private readonly CancellationTokenSource _controlOver = new();
    private readonly HashSet<int> _departed = [];
    private readonly HashSet<(int Peer, LinkKey Key)> _connecting = [];
    private (FrameKind Kind, byte[] Text) _ending;
    private PeerWatch? _watch;
    private Func<CollectiveAbortedException>? _ended;
    private string? _leaving;
    private int _calls;

    public long Number => number;
    public int Rank => rank;
    public int Size => size;

    /// <summary>Starts watching the peers and connecting to them.</summary>
    public void Start()
    {
        _watch = new PeerWatch(this);
        for (var peer = 0; peer < rank; peer++) Connect(peer, LinkKey.Control);
    }

    /// <summary>Starts a generation that is already over.</summary>
    public void StartEnded(string reason) => _ended = () => new CollectiveAbortedException(number, reason);

    /// <summary>Begins a call. No link is closed until <see cref="Leave"/>.</summary>
    public void Enter()
    {
        string? leaving;
        lock (_gate)
        {
            if (_ended is { } error) throw error();
            leaving = _leaving;
            if (leaving is null) _calls++;
        }
        if (leaving is null) return;
        Abort(leaving);
        ThrowIfEnded();
    }

    public void Leave()
    {
        lock (_gate)
        {
            _calls--;
            Monitor.PulseAll(_gate);
        }
    }

    public void ThrowIfEnded()
    {
        if (Volatile.Read(ref _ended) is { } error) throw error();
    }

    public bool IsEnded => Volatile.Read(ref _ended) is not null;

    /// <summary>A link to a peer; waits until it is connected, but not until the peer makes a call.</summary>
    public Link Get(int peer, LinkKey key, Deadline deadline)
    {
        // Without a control link the peer's death would go unnoticed.
        Await(peer, LinkKey.Control, deadline);
        lock (_gate)
            if (_links.TryGetValue((peer, key), out var known)) return known;
        if (peer < rank) Connect(peer, key);
        else _watch!.Notify(FrameKind.Open, key.ToBytes(), peer);
        return Await(peer, key, deadline);
    }

    /// <summary>Starts connecting to a lower rank, once per link.</summary>
    public void Connect(int peer, LinkKey key)
    {
        lock (_gate)
        {
            if (peer >= rank || _ended is not null || _connecting.Count(known => known.Peer == peer) >= MaxLinksPerPeer) return;
            if (!_connecting.Add((peer, key))) return;
        }
        var cancellation = key == LinkKey.Control ? _controlOver.Token : _over.Token;
        _ = Task.Run(async () =>
        {
            try
            {
                var link = await connect(peer, key, cancellation).ConfigureAwait(false);
                if (TryAdd(peer, key, link)) return;
                TellEnd(key, link);
                link.Dispose();
            }
            catch (OperationCanceledException) { }
            catch (Exception refused)
            {
                AwaitReason(peer);
                Abort(refused.Message);
            }
        });
    }

    /// <summary>The sender of messages to a peer over a link.</summary>
    public MessageSender GetSender(int peer, LinkKey key, Deadline deadline)
    {
        lock (_gate)
            if (_senders.TryGetValue((peer, key), out var known)) return known;
        var link = Get(peer, key, deadline);
        lock (_gate)
        {
            if (!_senders.TryGetValue((peer, key), out var sender)) _senders.Add((peer, key), sender = new MessageSender(this, link));
            return sender;
        }
    }

    /// <summary>Adds a connected link. False if it is not needed.</summary>
    public bool TryAdd(int peer, LinkKey key, Link link)
    {
        lock (_gate)
        {
            if (_ended is not null || _links.ContainsKey((peer, key)) || _links.Keys.Count(known => known.Peer == peer) >= MaxLinksPerPeer) return false;
            link.NotifyRoom = () => _watch!.Notify(FrameKind.Room, [], peer);
            _links.Add((peer, key), link);
            // Before any thread can find the link, so that no control frame sent next is lost.
            if (key == LinkKey.Control) _watch!.Add(link);
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>Says over a control link that came too late why the generation has ended.</summary>
    public void TellEnd(LinkKey key, Link link)
    {
        (FrameKind Kind, byte[] Text) ending;
        lock (_gate) ending = _ended is null ? default : _ending;
        if (key == LinkKey.Control && ending.Text is not null) PeerWatch.Notify(link, ending.Kind, ending.Text);
    }

    /// <summary>Whether a peer may connect this link now.</summary>
    public bool Expects(int peer, LinkKey key)
    {
        lock (_gate) return _ended is null && !_links.ContainsKey((peer, key)) && _links.Keys.Count(known => known.Peer == peer) < MaxLinksPerPeer;
    }

    public void Abort(string reason) => End(() => new CollectiveAbortedException(number, reason), FrameKind.Abort, reason);

    /// <summary>Ends the generation because a call's time is over; returns the exception to throw.</summary>
    public TimeoutException EndAtDeadline(Deadline deadline)
    {
        Abort($"rank {rank} waited {deadline} for its peers");
        return new TimeoutException($"collective of generation {number}: not all peers of rank {rank} answered within {deadline}");
    }

    /// <summary>Ends the generation because a link can no longer be used; returns the exception to throw.</summary>
    public CollectiveAbortedException EndByFault(LinkFaultException fault)
    {
        if (fault.Fault != FrameFault.None && !IsEnded)
        {
            onFault(fault.Peer, fault.Fault);
            End(() => new FrameFaultException(number, fault.Peer, fault.Fault), FrameKind.Abort, $"invalid bytes from rank {fault.Peer}: {fault.Fault}");
        }
        else
        {
            AwaitReason(fault.Peer);
            Abort(_leaving ?? $"rank {fault.Peer} is gone");
        }
        return _ended!();
    }

    /// <summary>A peer said goodbye: pending calls may still complete, no new ones may begin.</summary>
    public void PeerLeaves(int peer)
    {
        lock (_gate)
        {
            _departed.Add(peer);
            _leaving ??= $"rank {peer} has left";
            Monitor.PulseAll(_gate);
        }
        _ = Task.Delay(Grace, _over.Token).ContinueWith(
            _ => Abort($"rank {peer} has left"), CancellationToken.None, TaskContinuationOptions.NotOnCanceled, TaskScheduler.Default);
    }

    /// <summary>Says goodbye to the peers and closes all links.</summary>
    public void Close()
    {
        if (_watch is null) return;
        End(() => new CollectiveAbortedException(number, $"rank {rank} has left"), FrameKind.Goodbye, "");
        _watch.Join();
    }

    /// <summary>Leaves pending messages to the watch thread.</summary>
    public void FinishSending(MessageSender sender) => _watch!.FinishSending(sender);

    /// <summary>After the end: waits until no call is in progress, then closes all links.</summary>
    public void CloseLinks()
    {
        Link[] links;
        lock (_gate)
        {
            while (_calls > 0) Monitor.Wait(_gate);
            links = [.. _links.Values];
            _links.Clear();
        }
        foreach (var link in links) link.Dispose();
        _over.Dispose();
    }

    // A peer that ended sent its reason, or the kernel the end of its connection, over the control link before anyone could notice it otherwise: the watch thread
    // is about to read it. Without such a link, and on the watch thread itself, there is nothing to wait for long.
    private void AwaitReason(int peer)
    {
        lock (_gate)
        {
            var comes = _links.ContainsKey((peer, LinkKey.Control)) && !_watch!.IsCurrentThread;
            var deadline = new Deadline(comes ? Grace : TimeSpan.FromMilliseconds(50));
            while (_ended is null && _leaving is null && deadline.Left > TimeSpan.Zero) Monitor.Wait(_gate, deadline.LeftMilliseconds);
        }
    }

    private void End(Func<CollectiveAbortedException> error, FrameKind kind, string text)
    {
        Link[] links;
        var payload = Encoding.UTF8.GetBytes(text);
        lock (_gate)
        {
            if (_ended is not null) return;
            _ending = (kind, payload);
            Volatile.Write(ref _ended, error);
            _calls++;
            links = [.. _links.Where(link => link.Key.Key != LinkKey.Control).Select(link => link.Value)];
            Monitor.PulseAll(_gate);
        }
        try
        {
            _watch?.Notify(kind, payload);
            foreach (var link in links) link.Shutdown();
            _controlOver.CancelAfter(Grace);
            _over.Cancel();
            _watch?.Wake();
        }
        finally
        {
            Leave();
        }
    }

    private Link Await(int peer, LinkKey key, Deadline deadline)
    {
        string leaving;
        lock (_gate)
        {
            while (true)
            {
                if (_ended is { } error) throw error();
                if (_links.TryGetValue((peer, key), out var link)) return link;
                if (_departed.Contains(peer))
                {
                    leaving = $"rank {peer} has left";
                    break;
                }
                if (deadline.IsOver || !Monitor.Wait(_gate, deadline.LeftMilliseconds))
                {
                    leaving = "";
                    break;
                }
            }
        }
        if (leaving.Length == 0) throw EndAtDeadline(deadline);
        Abort(leaving);
        throw _ended!();
    }
}
