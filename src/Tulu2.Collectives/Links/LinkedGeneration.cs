using System.Text;
using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.Links;

/// <summary>
/// What all collectives of one rank of one generation share: its links, and the word that it is over. Once over it stays so; its links are closed as soon as no
/// call is using them. Thread-safe.
/// </summary>
/// <param name="connect">Makes a link to a rank of a lower number; those of higher numbers connect to this one. Ends only with a link, an exception or the cancellation.</param>
internal sealed class LinkedGeneration(long number, int rank, int size, Func<int, Lane, CancellationToken, Task<Link>> connect, WireCounters counters, Action<string> log)
{
    // How long calls under way may still read what a rank that left in an orderly way has sent before.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly object _gate = new();
    private readonly Dictionary<(int Peer, Lane Lane), Link> _links = [];
    private readonly Dictionary<(int Peer, Lane Lane), MessageLane> _messages = [];
    private readonly CancellationTokenSource _over = new();
    // A peer that this rank has not reached yet when the generation ends still hears of it, if it can be reached soon.
    private readonly CancellationTokenSource _unheard = new();
    private readonly HashSet<int> _left = [];
    private readonly HashSet<(int Peer, Lane Lane)> _asked = [];
    private (FrameKind Kind, byte[] Text) _lastWord;
    private PeerWatch? _watch;
    private Func<CollectiveAbortedException>? _ended;
    private string? _leaving;
    private int _inside;

    // More connections than layouts have groups.
    private const int MaxLanesPerPeer = 64;

    public long Number => number;
    public int Rank => rank;
    public int Size => size;

    /// <summary>Begins to watch over the peers and to connect to them.</summary>
    public void Start()
    {
        _watch = new PeerWatch(this);
        for (var peer = 0; peer < rank; peer++) Connect(peer, Lane.Control);
    }

    /// <summary>Over before it began.</summary>
    public void StartEnded(string reason) => _ended = () => new CollectiveAbortedException(number, reason);

    /// <summary>A call begins. Until <see cref="Leave"/> no link is closed under it.</summary>
    public void Enter()
    {
        string? leaving;
        lock (_gate)
        {
            if (_ended is { } error) throw error();
            leaving = _leaving;
            if (leaving is null) _inside++;
        }
        if (leaving is null) return;
        Abort(leaving);
        ThrowIfEnded();
    }

    public void Leave()
    {
        lock (_gate)
        {
            _inside--;
            Monitor.PulseAll(_gate);
        }
    }

    public void ThrowIfEnded()
    {
        if (Volatile.Read(ref _ended) is { } error) throw error();
    }

    public bool IsEnded => Volatile.Read(ref _ended) is not null;

    /// <summary>The link to a peer for some purpose; waits until there is one, but not for a call of the peer's.</summary>
    public Link Get(int peer, Lane lane, Deadline deadline)
    {
        // Without the control connection nobody would notice that the peer dies.
        Await(peer, Lane.Control, deadline);
        lock (_gate)
            if (_links.TryGetValue((peer, lane), out var known)) return known;
        if (peer < rank) Connect(peer, lane);
        else _watch!.Tell(FrameKind.Open, lane.ToBytes(), peer);
        return Await(peer, lane, deadline);
    }

    /// <summary>Begins to connect to a rank of a lower number, once.</summary>
    public void Connect(int peer, Lane lane)
    {
        lock (_gate)
            if (peer >= rank || _ended is not null || _asked.Count(key => key.Peer == peer) >= MaxLanesPerPeer || !_asked.Add((peer, lane))) return;
        var cancellation = lane == Lane.Control ? _unheard.Token : _over.Token;
        _ = Task.Run(async () =>
        {
            try
            {
                var link = await connect(peer, lane, cancellation).ConfigureAwait(false);
                if (TryAdd(peer, lane, link)) return;
                if (lane == Lane.Control) PeerWatch.Tell(link, _lastWord.Kind, _lastWord.Text);
                link.Dispose();
            }
            catch (OperationCanceledException) { }
            catch (Exception refused) { Abort(refused.Message); }
        });
    }

    /// <summary>The messages to and from a peer.</summary>
    public MessageLane GetMessages(int peer, Lane lane, Deadline deadline)
    {
        lock (_gate)
            if (_messages.TryGetValue((peer, lane), out var known)) return known;
        var link = Get(peer, lane, deadline);
        lock (_gate)
        {
            if (!_messages.TryGetValue((peer, lane), out var messages)) _messages.Add((peer, lane), messages = new MessageLane(this, link));
            return messages;
        }
    }

    /// <summary>Takes a link that a peer or this rank has made. False: it is not wanted.</summary>
    public bool TryAdd(int peer, Lane lane, Link link)
    {
        lock (_gate)
        {
            if (_ended is not null || _links.ContainsKey((peer, lane)) || _links.Keys.Count(key => key.Peer == peer) >= MaxLanesPerPeer) return false;
            link.TellRoom = () => _watch!.Tell(FrameKind.Room, [], peer);
            _links.Add((peer, lane), link);
            // Before anybody knows of the link: what is told over it next must not be lost.
            if (lane == Lane.Control) _watch!.Add(link);
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>Whether a peer may connect for this now.</summary>
    public bool Expects(int peer, Lane lane)
    {
        lock (_gate) return _ended is null && !_links.ContainsKey((peer, lane)) && _links.Keys.Count(key => key.Peer == peer) < MaxLanesPerPeer;
    }

    public void Abort(string reason) => End(() => new CollectiveAbortedException(number, reason), FrameKind.Abort, reason);

    /// <summary>The exception to throw at the end of a call's time.</summary>
    public TimeoutException EndAtDeadline(TimeSpan allowed)
    {
        Abort($"rank {rank} waited {allowed.TotalSeconds:0.###} s for its peers");
        return new TimeoutException($"collective of generation {number}: not all peers of rank {rank} came within {allowed.TotalSeconds:0.###} s");
    }

    /// <summary>The exception to throw when a link is of no more use.</summary>
    public CollectiveAbortedException EndByFault(LinkFaultException fault)
    {
        if (fault.Fault != WireFault.None && !IsEnded)
        {
            counters.Count(fault.Fault);
            log($"generation {number}: unsound bytes from rank {fault.Peer}: {fault.Fault}");
            End(() => new WireFaultException(number, fault.Peer, fault.Fault), FrameKind.Abort, $"unsound bytes from rank {fault.Peer}: {fault.Fault}");
        }
        else
        {
            // The peer's own word, if it left one, is on its way.
            lock (_gate)
            {
                var deadline = new Deadline(TimeSpan.FromMilliseconds(50));
                while (_ended is null && _leaving is null && deadline.Left > TimeSpan.Zero) Monitor.Wait(_gate, deadline.LeftMilliseconds);
            }
            Abort(_leaving ?? $"rank {fault.Peer} is gone");
        }
        return _ended!();
    }

    /// <summary>A peer has said goodbye: calls under way may still come to their end, others may not begin.</summary>
    public void PeerLeaves(int peer)
    {
        lock (_gate)
        {
            _left.Add(peer);
            _leaving ??= $"rank {peer} has left";
            Monitor.PulseAll(_gate);
        }
        _ = Task.Delay(Grace, _over.Token).ContinueWith(_ => Abort($"rank {peer} has left"), CancellationToken.None, TaskContinuationOptions.NotOnCanceled, TaskScheduler.Default);
    }

    /// <summary>Leaves in an orderly way and closes all links.</summary>
    public void Close()
    {
        if (_watch is null) return;
        End(() => new CollectiveAbortedException(number, $"rank {rank} has left"), FrameKind.Goodbye, "");
        _watch.Join();
    }

    /// <summary>Hands the sending of what did not fit to the thread that watches.</summary>
    public void Attend(MessageLane lane) => _watch!.Attend(lane);

    /// <summary>After the end: waits until no call is under way, then closes all links.</summary>
    public void CloseLinks()
    {
        Link[] links;
        lock (_gate)
        {
            while (_inside > 0) Monitor.Wait(_gate);
            links = [.. _links.Values];
            _links.Clear();
        }
        foreach (var link in links) link.Dispose();
        _over.Dispose();
    }

    private void End(Func<CollectiveAbortedException> error, FrameKind kind, string text)
    {
        Link[] links;
        var word = Encoding.UTF8.GetBytes(text);
        lock (_gate)
        {
            if (_ended is not null) return;
            _lastWord = (kind, word);
            Volatile.Write(ref _ended, error);
            _inside++;
            links = [.. _links.Where(link => link.Key.Lane != Lane.Control).Select(link => link.Value)];
            Monitor.PulseAll(_gate);
        }
        try
        {
            _watch?.Tell(kind, word);
            foreach (var link in links) link.Shutdown();
            _unheard.CancelAfter(Grace);
            _over.Cancel();
            _watch?.Wake();
        }
        finally
        {
            Leave();
        }
    }

    private Link Await(int peer, Lane lane, Deadline deadline)
    {
        string leaving;
        lock (_gate)
        {
            while (true)
            {
                if (_ended is { } error) throw error();
                if (_links.TryGetValue((peer, lane), out var link)) return link;
                if (_left.Contains(peer))
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
        if (leaving.Length == 0) throw EndAtDeadline(deadline.Allowed);
        Abort(leaving);
        throw _ended!();
    }
}
