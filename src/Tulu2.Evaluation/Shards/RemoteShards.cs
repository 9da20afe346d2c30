using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Tulu2.Collectives;
using Tulu2.Collectives.Network;
using Tulu2.Evaluation.Processes;
using Tulu2.Files;

namespace Tulu2.Evaluation.Shards;

/// <summary>Shards in processes that run on other machines already (<see cref="Workers.ShardServer"/>).</summary>
public sealed class RemoteShards : IShardHosting
{
    /// <summary>That of the exchange of commands: each has a data plane of its own, which begins here.</summary>
    internal const long Generation = 1;

    private readonly IReadOnlyList<ShardAddress> _servers;
    private readonly byte[] _key;
    private readonly HashSet<int> _started = [];

    /// <param name="servers">By rank, from 1.</param>
    /// <param name="key">Of the servers.</param>
    /// <exception cref="BadInputException">A server's name has no address.</exception>
    public RemoteShards(IReadOnlyList<ShardAddress> servers, byte[] key)
    {
        (_servers, _key) = (servers, key);
        foreach (var server in servers) _ = OwnAddress(server);
    }

    public Action<string>? Say { get; init; }

    /// <summary>A server that does not answer the first time is a wrong argument of a command, not a loss.</summary>
    public bool IsOfCommand { get; init; }

    /// <summary>How long a server may take to answer: one that has just lost its user, or is started again, is there soon.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    byte[] IShardHosting.Key => _key;

    // Servers may be reached over different interfaces.
    IPAddress IShardHosting.Listens => OwnAddress(_servers[0]).AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;

    IPAddress IShardHosting.AddressFor(int rank) => OwnAddress(_servers[rank - 1]);

    IShard IShardHosting.Start(ShardOrder order, int rank) =>
        new RemoteShard(_servers[rank - 1], order, rank, _key, Patience, isArgument: _started.Add(rank) && IsOfCommand);

    // The address of the interface that leads there; no packet is sent.
    private static IPAddress OwnAddress(ShardAddress server)
    {
        try
        {
            using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(server.Host, server.Port);
            var address = ((IPEndPoint)socket.LocalEndPoint!).Address;
            return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        }
        catch (SocketException error)
        {
            throw new BadInputException($"{server}", $"has no address: {FaultText.Of(error)}", "give a server's host:port", error);
        }
    }

    /// <summary>
    /// A server. Commands go over a link of the data plane, which proves that both ends know the key, each in exchange for what the server has to say. A call is
    /// pending at all times, so that the server's end is known at once.
    /// </summary>
    private sealed class RemoteShard : IShard
    {
        // While it has nothing to do; while it computes it is not in a call, and the pending one waits for it.
        private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1);
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

        private readonly ShardAddress _server;
        private readonly byte[] _key;
        private readonly TimeSpan _patience;
        private readonly bool _isArgument;
        private readonly BlockingCollection<ShardCommand> _commands = [];
        private readonly ShardSigns _signs = new();
        private readonly CancellationTokenSource _ended = new();
        private readonly Thread _thread;
        private volatile string? _refusal;

        public RemoteShard(ShardAddress server, ShardOrder order, int rank, byte[] key, TimeSpan patience, bool isArgument)
        {
            (_server, _key, _patience, _isArgument) = (server, key, patience, isArgument);
            _thread = new Thread(() => Run(new ShardStart(order, rank, [], server.Host))) { IsBackground = true, Name = $"shard {rank}" };
            _thread.Start();
        }

        public Task<string> Endpoint => _signs.Endpoint;

        public Task Loaded => _signs.Loaded;

        public Task<string> Gone => _signs.Gone;

        public void Join(ShardGathering gathering) => _commands.Add(new ShardCommand.Join(gathering));

        public void Dispose()
        {
            _commands.CompleteAdding();
            // It may read weights.
            if (!_thread.Join(2 * Idle)) _ended.Cancel();
            _thread.Join();
            _ended.Dispose();
        }

        private void Run(ShardStart start)
        {
            var began = Stopwatch.GetTimestamp();
            while (!Try(start, began)) _ended.Token.WaitHandle.WaitOne(Pause);
        }

        // False: the server was about to forget its last user, and is asked again.
        private bool Try(ShardStart start, long began)
        {
            using var plane = new NetworkDataPlane(new NetworkDataPlaneOptions { Key = _key, Transport = Transport.Tcp, Log = line => _refusal = line });
            using var control = plane.Join(Generation, 1, [$"tcp://{_server}", plane.Endpoint]);
            using var ended = _ended.Token.Register(() => control.Abort("the first shard has no more use for it"));
            var isHeard = false;
            try
            {
                Exchange(ShardCodecs.Bytes(start), _patience);
                Take(Exchange([], _patience));
                isHeard = true;
                while (!_signs.Loaded.IsCompleted) Take(Exchange([], TimeSpan.MaxValue));
                while (!_commands.IsCompleted) Take(Exchange(_commands.TryTake(out var command, Idle) ? ShardCodecs.Bytes(command) : [], TimeSpan.MaxValue));
                Exchange(ShardCodecs.Bytes(new ShardCommand.Shutdown()), Idle);
                _signs.End("it is not needed any more");
            }
            catch (CollectiveAbortedException) when (!isHeard && !_ended.IsCancellationRequested && Stopwatch.GetElapsedTime(began) < _patience)
            {
                return false;
            }
            catch (Exception fault) when (fault is TimeoutException or CollectiveAbortedException)
            {
                _signs.Fail(isHeard ? Lost($"the shard server at {_server} is gone: {fault.Message}", fault) : Silent(fault));
            }
            catch (Exception fault)
            {
                _signs.Fail(fault);
            }
            return true;

            byte[] Exchange(byte[] words, TimeSpan deadline) => control.AllGather(words, deadline)[0];
        }

        private Exception Silent(Exception fault)
        {
            var what = $"no shard server answers, or it works for another process{(_refusal is { } why ? $": {why}" : "")}";
            const string fix = "start one there with `tulu2 shard --listen`, with the same key, and let the address be reached";
            return _isArgument ? new BadInputException($"{_server}", what, fix, fault) : Lost($"{_server}: {what}; {fix}", fault);
        }

        private static EvaluatorProcessException Lost(string what, Exception fault) => new(what, $"{what}\n{fault}");

        private void Take(byte[] answer)
        {
            if (_signs.Take(answer.Length == 0 ? null : ShardCodecs.Of<ShardReply>(answer)) is { } fault) throw fault;
        }
    }
}
