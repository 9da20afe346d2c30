using System.Net;
using Tulu2.Collectives;
using Tulu2.Collectives.Network;
using Tulu2.Evaluation.Shards;
using Tulu2.Files;

namespace Tulu2.Evaluation.Workers;

/// <summary>
/// The body of <c>tulu2 shard --listen</c>: holds a part of a model for one process at a time, of any machine that knows the key; when that one has no more use for it, or is
/// gone, for the next.
/// </summary>
/// <param name="say">Takes what is to be known of it.</param>
public sealed class ShardServer(IPEndPoint address, byte[] key, Action<string> say)
{
    /// <summary>Serves until it is stopped.</summary>
    public void Run(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            using var plane = new NetworkDataPlane(new NetworkDataPlaneOptions { Key = key, ListenAddress = address, Transport = Transport.Tcp, Log = say });
            using var control = plane.Join(RemoteShards.Generation, 0, [plane.Endpoint, plane.Endpoint]);
            using var stop = cancellation.Register(() => control.Abort("the shard server is stopped"));
            try
            {
                Serve(control, cancellation);
            }
            catch (Exception) when (cancellation.IsCancellationRequested)
            {
                // It is stopped.
            }
            catch (CollectiveAbortedException)
            {
                say("the process that used the shard is gone");
            }
            catch (Exception fault)
            {
                // Of one user; the next one may do better.
                say($"the shard is given up: {FaultText.Of(fault)}");
            }
        }
    }

    private void Serve(ICollective control, CancellationToken cancellation)
    {
        var start = ShardCodecs.Of<ShardStart>(Exchange([]));
        say($"{start.Order.Model}: shard {start.Rank + 1} of {start.Order.Count} is asked for");
        if (ShardProcess.Serve(start, key, address.Address, reply => Exchange(ShardCodecs.Bytes(reply)), Commands(), cancellation)) say($"{start.Order.Model}: it is not needed any more");

        // Both ends say something at once, or nothing: an answer goes with the other end's next words.
        byte[] Exchange(byte[] words) => control.AllGather(words, TimeSpan.MaxValue)[1];

        IEnumerable<ShardCommand> Commands()
        {
            while (true)
                if (Exchange([]) is { Length: > 0 } words)
                    yield return ShardCodecs.Of<ShardCommand>(words);
        }
    }
}
