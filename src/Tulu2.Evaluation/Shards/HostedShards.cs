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
    public Func<bool> YieldsProcessor { get; init; } = () => false;

    public Action<string>? Say { get; init; }

    byte[] IShardHosting.Key { get; } = RandomNumberGenerator.GetBytes(32);

    IPAddress IShardHosting.Listens => IPAddress.Loopback;

    IPAddress IShardHosting.AddressFor(int rank) => IPAddress.Loopback;

    IShard IShardHosting.Start(ShardOrder order, int rank) => new HostedShard(new HostedProcessSettings<ShardReply>(
        program, $"shard {rank}", ShardCodecs.ChannelCodecs, new ShardStart(order, rank, ((IShardHosting)this).Key, "127.0.0.1") { YieldsProcessor = YieldsProcessor() }, new ShardCommand.Shutdown())
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
        private readonly TaskCompletionSource<string> _endpoint = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<string> _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HostedShard(HostedProcessSettings<ShardReply> settings) => _process = new HostedProcess<ShardReply>(settings, Received, Ended);

        public Task<string> Endpoint => _endpoint.Task;

        public Task Loaded => _loaded.Task;

        public Task<string> Gone => _gone.Task;

        public void Join(ShardGathering gathering) => _process.Send(new ShardCommand.Join(gathering));

        public void Dispose() => _process.Dispose();

        private void Received(ShardReply reply)
        {
            switch (reply)
            {
                case ShardReply.Ready ready:
                    _endpoint.TrySetResult(ready.Endpoint);
                    break;
                case ShardReply.Loaded:
                    _loaded.TrySetResult();
                    break;
                case ShardReply.Failed { Failure: var failure }:
                    Fail(failure.What, failure.ToException());
                    break;
            }
        }

        private void Ended(string why, string detail) => Fail(why, new EvaluatorProcessException(why, detail));

        private void Fail(string why, Exception fault)
        {
            _endpoint.TrySetException(fault);
            _loaded.TrySetException(fault);
            _gone.TrySetResult(why);
        }
    }
}
