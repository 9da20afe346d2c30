using System.Net;
using Tulu2.Collectives.Network;
using Tulu2.Evaluation.Shards;
using Tulu2.Evaluation.Tasks;
using Tulu2.Evaluation.Workers;
using Tulu2.Files.Certificates;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Benchmarks;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Launch;

/// <summary><c>worker --socket PATH</c>, <c>evaluator --socket PATH</c> and <c>shard --socket PATH</c>: processes that a node starts and that compute for it. Not in the help.</summary>
internal static class WorkerEntry
{
    private const string RankName = "worker";
    private const string EvaluatorName = "evaluator";
    private const string ShardName = "shard";

    /// <summary>Starts this program as the worker of a rank.</summary>
    /// <param name="adoption">Where a successor of this process finds the workers; null: they end with it.</param>
    public static WorkerProgram Rank(AdoptionFolder? adoption) => new(ThisProgram.File, [.. ThisProgram.Arguments, RankName]) { Adoption = adoption };

    /// <summary>Starts this program as an evaluator.</summary>
    public static WorkerProgram Evaluator => new(ThisProgram.File, [.. ThisProgram.Arguments, EvaluatorName]);

    /// <summary>Starts this program as holders of parts of models.</summary>
    /// <param name="say">Takes a line about each that is lost.</param>
    /// <param name="yieldsProcessor">They compute only while nobody else wants the processor.</param>
    public static IShardHosting Shards(Action<string> say, bool yieldsProcessor = false) => new HostedShards(new WorkerProgram(ThisProgram.File, [.. ThisProgram.Arguments, ShardName]), log: null)
    {
        Say = say,
        YieldsProcessor = yieldsProcessor,
    };

    public static bool IsMeant(string[] arguments) => arguments is [RankName or EvaluatorName or ShardName, "--socket", _, ..];

    /// <param name="around">Put around an evaluator: what knows the checkpoints of runs.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments, Func<IEvaluator, IEvaluator> around) => arguments[0] switch
    {
        EvaluatorName => EvaluatorProcess.Run(arguments[2], around, yields => Shards(Console.Error.WriteLine, yields)),
        ShardName => ShardProcess.Run(arguments[2]),
        _ => RunRank(arguments[2], AdoptionFolder.Read(arguments.AsSpan(3))),
    };

    private static int RunRank(string socket, AdoptionFolder? adoption)
    {
        WorkerStart? started = null;
        var code = WorkerProcess.Run(socket, adoption, start => new NetworkDataPlane(OptionsOf(started = start)), WarmUp.Run);
        if (started is not null) KeepPeak(started);
        return code;
    }

    // For comparisons of runs only: a worker's end does not depend on it.
    private static void KeepPeak(WorkerStart start)
    {
        try
        {
            PeakMemory.Keep(new RunDirectory(Path.GetDirectoryName(start.CheckpointDirectory)!), start.Rank);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"the peak memory of rank {start.Rank} is not written down: {error.Message}");
        }
    }

    internal static NetworkDataPlaneOptions OptionsOf(WorkerStart start) => new()
    {
        Key = start.Key,
        ListenAddress = new IPEndPoint(AddressOf(start.ListenAddress), 0),
        Transport = start.Recipe.Parallel.Transport == RankTransport.Tcp ? Transport.Tcp : Transport.Auto,
        Identity = IdentityOf(start.Identity),
        Log = Console.Error.WriteLine,
    };

    private static PeerIdentity? IdentityOf(IdentityFiles? files)
    {
        if (files is null) return null;
        var identity = ClusterIdentity.Load(files, key => $"tulu2.tls.{key}");
        return new PeerIdentity(identity.Own, identity.WhyRefused);
    }

    // A node may be addressed by host name, for its certificate or in a container network.
    private static IPAddress AddressOf(string host) => IPAddress.TryParse(host, out var address) ? address : Dns.GetHostAddresses(host)[0];
}
