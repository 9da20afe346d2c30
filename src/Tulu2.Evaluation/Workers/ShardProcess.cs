using System.Collections.Concurrent;
using System.Net;
using Tulu2.Collectives;
using Tulu2.Collectives.Network;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Processes;
using Tulu2.Evaluation.Shards;
using Tulu2.Files;
using Tulu2.Models.Inference;
using Tulu2.Training.Hosting;

namespace Tulu2.Evaluation.Workers;

/// <summary>The body of <c>tulu2 shard --socket PATH</c>: holds a part of a model, and computes what the process of the first shard tells it to.</summary>
public static class ShardProcess
{
    /// <summary>Follows until it is told to end, or its parent is gone.</summary>
    /// <param name="socket">Path of the parent's socket.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string socket)
    {
        var parent = ParentChannel.Open(socket, ShardCodecs.ChannelCodecs, new ShardReply.Alive());
        if (parent.ReadStart<ShardStart>() is not { } start) return ParentChannel.Orphaned;
        if (start.YieldsProcessor) IdlePriority.Enter();
        var commands = new BlockingCollection<ShardCommand>();
        parent.Listen<ShardCommand>(commands.Add);
        return Serve(start, start.Key, IPAddress.Loopback, parent.Send, commands.GetConsumingEnumerable(), CancellationToken.None) ? 0 : 1;
    }

    /// <summary>Holds a shard and follows the first one until it is told to end.</summary>
    /// <param name="address">Where its data plane listens.</param>
    /// <param name="say">Takes what is to be known of it.</param>
    /// <param name="commands">In order, as they come.</param>
    /// <param name="stop">Ends what it computes.</param>
    /// <returns>False: it failed, and has said so.</returns>
    internal static bool Serve(ShardStart start, byte[] key, IPAddress address, Action<ShardReply> say, IEnumerable<ShardCommand> commands, CancellationToken stop)
    {
        try
        {
            if (start.Version != ProgramVersion.Text)
                throw new BadInputException(start.Host, $"the shard server is tulu2 {ProgramVersion.Text}, and the first shard's process {start.Version}", "use one build of the program on all machines");
            using var dataPlane = new NetworkDataPlane(new NetworkDataPlaneOptions
            {
                Key = key,
                ListenAddress = new IPEndPoint(address, 0),
                AdvertisedHost = start.Host,
                Log = Console.Error.WriteLine,
            });
            say(new ShardReply.Ready(dataPlane.Endpoint));
            using var model = LoadedModel.LoadShard(start.Order, new InferenceShard(start.Rank, start.Order.Count));
            say(new ShardReply.Loaded());
            foreach (var command in commands)
            {
                if (command is not ShardCommand.Join { Gathering: var gathering }) break;
                Follow(model, gathering, dataPlane.Join(gathering.Generation, start.Rank, gathering.Endpoints), stop);
            }
            return true;
        }
        catch (Exception fault) when (fault is not CollectiveAbortedException)
        {
            say(new ShardReply.Failed(ProcessFailure.Of(fault)));
            return false;
        }
    }

    /// <summary>Computes what the first shard says, until the group ends.</summary>
    internal static void Follow(InferenceModel model, ShardGathering gathering, ICollective collective, CancellationToken stop)
    {
        using var stopping = stop.Register(() => collective.Abort("it is stopped"));
        try
        {
            using var pages = new KeyValuePages(model.Local, gathering.Pages);
            var group = new ShardGroup(collective, ShardTeam.Deadline);
            // Another machine may have fewer processors.
            using var pass = new InferencePass(model, pages, Math.Min(gathering.Threads, Environment.ProcessorCount), group);
            collective.Barrier(ShardTeam.Deadline);
            while (true) ShardWords.Follow(group.Hear(), pass);
        }
        catch (Exception end) when (end is CollectiveAbortedException or TimeoutException)
        {
            // Another process is gone, or the first one has no more use for this group.
        }
        finally
        {
            collective.Dispose();
        }
    }
}
