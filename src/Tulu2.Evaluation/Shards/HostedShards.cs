using System.Net;
using System.Security.Cryptography;
using Tulu2.Evaluation.Processes;
using Tulu2.Training.Hosting;

namespace Tulu2.Evaluation.Shards;

/// <summary>Shards in processes of this machine.</summary>
/// <param name="program">The program to start.</param>
/// <param name="log">Path of the file to which the output of the processes is appended; null: it is discarded.</param>
public sealed class HostedShards(WorkerProgram program, string? log) : IShardHosting
{
    /// <summary>Maximum time without a heartbeat, whatever a process is doing; after it the process is lost.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>They compute only while nobody else wants the processor.</summary>
    public bool YieldsProcessor { get; init; }

    public Action<string>? Say { get; init; }

    byte[] IShardHosting.Key { get; } = RandomNumberGenerator.GetBytes(32);

    IPAddress IShardHosting.Listens => IPAddress.Loopback;

    IPAddress IShardHosting.AddressFor(int rank) => IPAddress.Loopback;

    IShard IShardHosting.Start(ShardOrder order, int rank) => new HostedShard(new HostedProcessSettings<ShardReply>(
        program, $"shard {rank}", ShardCodecs.ChannelCodecs, new ShardStart(order, rank, ((IShardHosting)this).Key, "127.0.0.1") { YieldsProcessor = YieldsProcessor }, new ShardCommand.Shutdown())
    {
        Log = log,
        ShutdownPatience = TimeSpan.FromSeconds(5),
        Patience = Patience,
        IsAlive = message => message is ShardReply.Alive,
        IsReady = message => message is ShardReply.Ready,
    });

    private sealed class HostedShard : IShard
    {
        private readonly HostedProcess<ShardReply> _process;
        private readonly ShardSigns _signs = new();

        public HostedShard(HostedProcessSettings<ShardReply> settings) => _process = new HostedProcess<ShardReply>(settings, Received, Ended);

        public Task<string> Endpoint => _signs.Endpoint;

        public Task Loaded => _signs.Loaded;

        public Task<string> Gone => _signs.Gone;

        public void Join(ShardGathering gathering) => _process.Send(new ShardCommand.Join(gathering));

        public void Dispose() => _process.Dispose();

        private void Received(ShardReply reply)
        {
            if (_signs.Take(reply) is { } fault) _signs.Fail(fault);
        }

        private void Ended(string why, string detail) => _signs.Fail(new EvaluatorProcessException(why, detail));
    }
}
