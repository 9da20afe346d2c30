using System.Net;
using System.Net.Sockets;
using Tulu2.Collectives.Exchanges;
using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Generations;
using Tulu2.Collectives.Links;

namespace Tulu2.Collectives.Network;

/// <summary>
/// The data plane of a rank in a process of its own: shared memory to ranks on the same host, TCP to others, as mutual TLS where it has an identity. Peers prove to each
/// other that they know the run's key before the first byte of data. Thread-safe.
/// </summary>
public sealed class NetworkDataPlane : ICollectiveFactory, IDisposable
{
    // Incoming connections before the end of their handshake; further ones are closed at once.
    private const int MaxUnidentified = 256;

    private readonly NetworkDataPlaneOptions _options;
    private readonly Socket _listener;
    private readonly Endpoint _endpoint;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _over = new();
    private readonly Task _accepting;
    private readonly RefusalLog _refusals;
    private LinkedGeneration? _current;
    private int _unidentified;

    public NetworkDataPlane(NetworkDataPlaneOptions options)
    {
        if (options.Key.Length < 16) throw new ArgumentException($"the key has {options.Key.Length} bytes; at least 16 are required", nameof(options));
        _options = options;
        _refusals = new RefusalLog(options.Log, options.Time);
        _listener = new Socket(options.ListenAddress.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _listener.Bind(options.ListenAddress);
            _listener.Listen(512);
        }
        catch
        {
            _listener.Dispose();
            throw;
        }
        var bound = (IPEndPoint)_listener.LocalEndPoint!;
        _endpoint = new Endpoint(options.AdvertisedHost ?? bound.Address.ToString(), bound.Port, Network.Endpoint.ThisHost);
        _accepting = AcceptAsync();
    }

    /// <inheritdoc/>
    public string Endpoint => _endpoint.ToString();

    /// <summary>The endpoint for peers that reach this machine under another name or address.</summary>
    public string EndpointAt(string host) => (_endpoint with { Host = host }).ToString();

    internal ConnectionCounters Counters { get; } = new();

    /// <inheritdoc/>
    public ICollective Join(long generation, int rank, IReadOnlyList<string> endpoints)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, endpoints.Count);
        var peers = endpoints.Select((text, peer) => peer == rank ? _endpoint : Network.Endpoint.Parse(text)).ToArray();
        var joined = new LinkedGeneration(generation, rank, peers.Length,
            (peer, key, cancellation) => ConnectAsync(peers[peer], new Hello(generation, peers.Length, rank, peer, key, MayShare(peers[peer])), cancellation),
            (peer, fault) => OnFault(generation, peer, fault));
        LinkedGeneration? older;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_over.IsCancellationRequested, this);
            older = _current;
            if (older is not null && older.Number >= generation)
            {
                joined.StartEnded($"generation {older.Number} has begun");
                older = null;
            }
            else
            {
                joined.Start();
                _current = joined;
            }
        }
        older?.Abort($"generation {generation} has begun");
        return new LinkedCollective(joined, [.. Enumerable.Range(0, peers.Length)], rank, isWorld: true);
    }

    public void Dispose()
    {
        LinkedGeneration? current;
        lock (_gate)
        {
            if (_over.IsCancellationRequested) return;
            _over.Cancel();
            current = _current;
        }
        _listener.Dispose();
        _accepting.Wait();
        current?.Close();
        _refusals.Flush();
    }

    private bool MayShare(Endpoint peer) => _options.Transport == Transport.Auto && peer.HostId == _endpoint.HostId;

    private async Task AcceptAsync()
    {
        while (!_over.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_over.Token).ConfigureAwait(false);
                if (Interlocked.Increment(ref _unidentified) > MaxUnidentified)
                {
                    Interlocked.Decrement(ref _unidentified);
                    Refuse(socket, Refusal.Superfluous, "too many connections that have not completed their handshake");
                }
                else _ = Task.Run(() => GreetAsync(socket));
            }
            catch (Exception over) when (over is OperationCanceledException or ObjectDisposedException) { return; }
            catch (SocketException failed)
            {
                // For example no free file descriptors: some may be closed soon.
                _refusals.Add(nameof(AcceptAsync), $"cannot accept connections: {failed.Message}");
                await Task.Delay(100).ConfigureAwait(false);
            }
        }
    }

    private async Task GreetAsync(Socket socket)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
        limit.CancelAfter(_options.ConnectDeadline);
        try
        {
            SocketSettings.Apply(socket);
            await new Connection(socket, _options.Key, _options.Identity, limit.Token).ListenAsync(Judge, _options.Transport == Transport.Auto, Add).ConfigureAwait(false);
            Counters.CountAccepted();
        }
        catch (OperationCanceledException) when (!_over.IsCancellationRequested)
        {
            Refuse(socket, Refusal.HalfOpen, "it did not complete the handshake in time");
        }
        catch (RefusedException refused) { Refuse(socket, refused.Refusal, refused.Message); }
        catch (Exception gone) when (gone is SocketException or IOException or ObjectDisposedException or OperationCanceledException) { socket.Dispose(); }
        finally
        {
            Interlocked.Decrement(ref _unidentified);
        }
    }

    private Verdict Judge(Hello hello)
    {
        LinkedGeneration? current;
        lock (_gate) current = _current;
        if (current is null || hello.Generation > current.Number)
        {
            Counters.CountDeferred();
            return Verdict.NotYet;
        }
        if (hello.Generation < current.Number || current.IsEnded) return Verdict.OldGeneration;
        if (hello.To != current.Rank || hello.Size != current.Size || hello.From <= hello.To || hello.From >= current.Size) return Verdict.WrongRank;
        return current.Expects(hello.From, hello.Link) ? Verdict.Accepted : Verdict.Superfluous;
    }

    private bool Add(Hello hello, Link link)
    {
        LinkedGeneration? current;
        lock (_gate) current = _current;
        if (current?.Number != hello.Generation) return false;
        if (current.TryAdd(hello.From, hello.Link, link)) return true;
        current.TellEnd(hello.Link, link);
        return false;
    }

    private void Refuse(Socket socket, Refusal? refusal, string reason)
    {
        var from = "?";
        try { from = socket.RemoteEndPoint?.ToString() ?? from; }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException) { }
        socket.Dispose();
        if (refusal is not { } kind) return;
        Counters.Count(kind);
        _refusals.Add($"{kind}", $"refused a connection from {from}: {kind}, {reason}");
    }

    // Peers may still be starting: tries until the peer accepts, refuses for good, or the generation ends.
    private async Task<Link> ConnectAsync(Endpoint peer, Hello hello, CancellationToken cancellation)
    {
        var logged = "";
        for (var pause = 2; ; pause = Math.Min(100, 2 * pause))
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _over.Token);
            limit.CancelAfter(_options.ConnectDeadline);
            Socket? socket = null;
            try
            {
                var addresses = await peer.ResolveAsync(limit.Token).ConfigureAwait(false);
                socket = new Socket(addresses[0].AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(addresses[0], limit.Token).ConfigureAwait(false);
                SocketSettings.Apply(socket);
                return await new Connection(socket, _options.Key, _options.Identity, limit.Token).ConnectAsync(hello).ConfigureAwait(false);
            }
            catch (Exception failed) when (failed is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                socket?.Dispose();
                if (failed is RefusedException { Refusal: Refusal.OldGeneration }) throw;
                if (failed is RefusedException { Refusal: not null } refused && logged != (logged = refused.Message))
                    Log($"rank {hello.From}: no connection to rank {hello.To} at {peer.Host}:{peer.Port}: {refused.Message}");
                cancellation.ThrowIfCancellationRequested();
                _over.Token.ThrowIfCancellationRequested();
            }
            await Task.Delay(pause, cancellation).ConfigureAwait(false);
        }
    }

    private void OnFault(long generation, int peer, FrameFault fault)
    {
        Counters.Count(fault);
        Log($"generation {generation}: invalid bytes from rank {peer}: {fault}");
    }

    private void Log(string line) => _options.Log?.Invoke(line);
}
