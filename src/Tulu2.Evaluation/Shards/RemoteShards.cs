using System.Collections.Concurrent;
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

    /// <param name="servers">By rank, from 1.</param>
    /// <param name="key">Of the servers.</param>
    /// <exception cref="BadInputException">A server's name has no address.</exception>
    public RemoteShards(IReadOnlyList<ShardAddress> servers, byte[] key)
    {
        (_servers, _key) = (servers, key);
        Address = OwnAddress(servers[0]);
    }

    public Action<string>? Say { get; init; }

    /// <summary>How long a server may take to answer: one that has just lost its leader, or is started again, is there soon.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    byte[] IShardHosting.Key => _key;

    private IPAddress Address { get; }

    IPAddress IShardHosting.Address => Address;

    IShard IShardHosting.Start(ShardOrder order, int rank) => new RemoteShard(_servers[rank - 1], order, rank, _key, Patience);

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
            throw new BadInputException($"{server}", $"has no address: {error.Message}", "give a server's host:port", error);
        }
    }

    /// <summary>A server, which hears commands in exchange for an answer each, over the data plane's links: those prove that both ends know the key.</summary>
    private sealed class RemoteShard : IShard
    {
        private readonly ShardAddress _server;
        private readonly TimeSpan _patience;
        private readonly NetworkDataPlane _plane;
        private readonly ICollective _control;
        private readonly BlockingCollection<ShardCommand> _commands = [];
        private readonly TaskCompletionSource<string> _endpoint = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<string> _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Thread _thread;
        private volatile string? _refusal;

        public RemoteShard(ShardAddress server, ShardOrder order, int rank, byte[] key, TimeSpan patience)
        {
            (_server, _patience) = (server, patience);
            _plane = new NetworkDataPlane(new NetworkDataPlaneOptions { Key = key, Transport = Transport.Tcp, Log = line => _refusal = line });
            _control = _plane.Join(Generation, 1, [$"tcp://{server}", _plane.Endpoint]);
            _thread = new Thread(() => Run(new ShardStart(order, rank, [], server.Host))) { IsBackground = true, Name = $"shard {rank}" };
            _thread.Start();
        }

        public Task<string> Endpoint => _endpoint.Task;

        public Task Loaded => _loaded.Task;

        public Task<string> Gone => _gone.Task;

        public void Join(ShardGathering gathering) => _commands.Add(new ShardCommand.Join(gathering));

        public void Dispose()
        {
            _commands.CompleteAdding();
            // It may read weights, or be gone.
            if (!_thread.Join(TimeSpan.FromSeconds(2))) _control.Abort("the first shard has no more use for it");
            _thread.Join();
            _control.Dispose();
            _plane.Dispose();
        }

        private void Run(ShardStart start)
        {
            try
            {
                Exchange(ShardCodecs.Bytes(start), _patience);
                Take(Exchange([], _patience));
                Take(Exchange([], TimeSpan.MaxValue));
                foreach (var command in _commands.GetConsumingEnumerable()) Exchange(ShardCodecs.Bytes(command), TimeSpan.MaxValue);
                Exchange(ShardCodecs.Bytes(new ShardCommand.Shutdown()), _patience);
            }
            catch (TimeoutException)
            {
                Fail(new BadInputException($"{_server}", $"no shard server answers, or it works for another process{(_refusal is { } why ? $": {why}" : "")}", "start one there with `tulu2 shard --listen`, with the same key, and let the address be reached"));
            }
            catch (Exception fault)
            {
                Fail(fault is CollectiveAbortedException ? new EvaluatorProcessException($"the shard server at {_server} is gone: {fault.Message}", $"{fault}") : fault);
            }
        }

        private byte[] Exchange(byte[] words, TimeSpan deadline) => _control.AllGather(words, deadline)[0];

        private void Take(byte[] answer)
        {
            switch (ShardCodecs.Of<ShardReply>(answer))
            {
                case ShardReply.Ready ready:
                    _endpoint.TrySetResult(ready.Endpoint);
                    break;
                case ShardReply.Loaded:
                    _loaded.TrySetResult();
                    break;
                case ShardReply.Failed failed:
                    throw failed.Failure.ToException();
            }
        }

        private void Fail(Exception fault)
        {
            _endpoint.TrySetException(fault);
            _loaded.TrySetException(fault);
            _gone.TrySetResult(FaultText.Of(fault));
        }
    }
}
