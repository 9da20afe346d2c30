using System.Globalization;
using Akka.Configuration;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Logging;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Submissions;
using Tulu2.Evaluation.Shards;
using Tulu2.Files;
using Tulu2.Files.Certificates;
using Tulu2.Protocol.Placement;

namespace Tulu2.Cluster.Configuration;

/// <summary>Settings of a process's node, or of a client of the cluster.</summary>
/// <param name="Where">File of the settings, for error messages; empty: the program's own.</param>
/// <param name="Text">HOCON that overrides <c>cluster-config/base.conf</c>.</param>
public sealed record NodeSettings(string Where, string Text)
{
    private const string PlacesKey = "tulu2.node.places";
    private const string EvaluatorsKey = "tulu2.node.evaluators";
    private const string ShardServersKey = "tulu2.node.shard-servers";
    private const string ShardKeyFileKey = "tulu2.node.shard-key-file";
    private const string ShardModelsKey = "tulu2.node.shard-models";

    /// <summary>Replaces <c>akka.cluster.roles</c> of the file; null: keeps them.</summary>
    public IReadOnlyList<string>? Roles { get; init; }

    /// <summary>Prepares the node for ranks; null: it takes none.</summary>
    public INodePreparation? Preparation { get; init; }

    /// <summary>Memory that its ranks may use.</summary>
    public MachineMemory Memory { get; init; } = MachineMemory.Unknown;

    /// <summary>Creates the evaluators of a node with that role; null: it has none.</summary>
    public IEvaluatorHosting? Evaluators { get; init; }

    /// <summary>Executes submitted runs while the coordinator is on this node; null: it takes none.</summary>
    public IRunService? Service { get; init; }

    /// <summary>Receives messages for a person, a sentence each: what is waited for, nodes that join and leave.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Receives the log of the actor system, from warnings on, while the process has no run.</summary>
    public Action<string>? Details { get; init; }

    internal Config Overrides { get; init; } = Config.Empty;

    private readonly RepeatFilter _repeats = new();

    /// <summary>Logs a message, the same one at most once a minute. Callable from any thread.</summary>
    internal void Say(string words)
    {
        if (Log is null) return;
        lock (_repeats)
            if (!_repeats.IsNew(words)) return;
        Log(words);
    }

    /// <exception cref="BadInputException">There is no such file.</exception>
    public static NodeSettings Load(string path) => new(path, ConfigText.Load(path));

    /// <exception cref="BadInputException">It is not HOCON, or a file or an environment variable that it names is not there.</exception>
    internal Config Read()
    {
        try
        {
            var config = Text.Length == 0 ? Overrides : Overrides.WithFallback(ConfigurationFactory.ParseString(ConfigText.Complete(Text, Where)));
            return Roles is null ? config
                : ConfigurationFactory.ParseString($"akka.cluster.roles = [{string.Join(", ", Roles.Select(role => $"\"{role}\""))}]").WithFallback(config);
        }
        catch (Exception error) when (error is not BadInputException)
        {
            throw new BadInputException(Where, "is not HOCON", "correct the file: look for a bracket, quote or comma that is missing; cluster-config/ holds examples", error);
        }
    }

    /// <summary>The roles that the file gives the node.</summary>
    /// <exception cref="BadInputException">As <see cref="Read"/>.</exception>
    public IReadOnlyList<string> ReadRoles() => Read() is var config && config.HasPath("akka.cluster.roles") ? [.. config.GetStringList("akka.cluster.roles")] : [];

    /// <summary>File and name of a key, for error messages; the file may be an included one.</summary>
    internal string Locate(string key) => $"{ConfigText.FileOf(key, Text, Where) ?? Where}: {key}";

    /// <summary>Resolves a path against the file that names it.</summary>
    internal string PathOf(string key, string path) => Path.IsPathRooted(path) || ConfigText.FileOf(key, Text, Where) is not { } file ? path : ConfigText.Beside(file, path);

    /// <summary>Ranks this node takes; by default one per processor.</summary>
    internal int RanksTaken(Config config) => Count(config, PlacesKey, "ranks the node takes", "one a processor") is > 0 and var places ? places : Environment.ProcessorCount;

    /// <summary>Evaluators of this node; by default one, since each holds a model.</summary>
    internal int EvaluatorsStarted(Config config) => Math.Max(1, Count(config, EvaluatorsKey, "evaluators of the node", "one"));

    /// <summary>Where the node's evaluators hold the parts of a model that is divided (<c>evaluation.tensor</c>); by default on the node itself.</summary>
    /// <exception cref="BadInputException">An address or the key is of no use.</exception>
    public ShardPlan ReadShards()
    {
        var config = Read();
        var servers = config.HasPath(ShardServersKey) ? config.GetStringList(ShardServersKey) : [];
        if (servers.Count == 0) return ShardPlan.Whole;
        foreach (var server in servers) ShardAddress.Parse(Locate(ShardServersKey), server);
        if (!config.HasPath(ShardKeyFileKey) || config.GetString(ShardKeyFileKey) is not { Length: > 0 } file)
            throw new BadInputException(Locate(ShardServersKey), "needs the servers' key", $"name its file with {ShardKeyFileKey}");
        var path = PathOf(ShardKeyFileKey, file);
        _ = ShardPlan.ReadKey(path);
        if (!config.HasPath(ShardModelsKey) || config.GetString(ShardModelsKey) is not { Length: > 0 } models)
            throw new BadInputException(Locate(ShardServersKey), "needs a folder for models of checkpoints that the servers see too", $"name one on shared storage with {ShardModelsKey}");
        if (EvaluatorsStarted(config) > 1)
            throw new BadInputException(Locate(EvaluatorsKey), "is more than 1, but a shard server works for one evaluator", "use 1");
        return new ShardPlan { Count = servers.Count + 1, Servers = [.. servers], KeyFile = Path.GetFullPath(path), Folder = Path.GetFullPath(PathOf(ShardModelsKey, models)) };
    }

    /// <summary>Where the node's certificates are, which its workers show to those of other nodes; null: TLS is off.</summary>
    /// <exception cref="BadInputException">TLS is on, and one of them is not named.</exception>
    public IdentityFiles? ReadIdentity() => ClusterCertificates.FilesOf(this, ClusterConfig.EffectiveConfig(this));

    private int Count(Config config, string key, string what, string byDefault)
    {
        var given = config.HasPath(key) ? config.GetString(key) : "0";
        if (!int.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count))
            throw new BadInputException(Locate(key), $"wants a whole number, not '{given}'", $"give the number of {what}, or 0 for {byDefault}");
        if (count < 0) throw new BadInputException(Locate(key), $"is {count}", $"give the number of {what}, or 0 for {byDefault}");
        return count;
    }
}
