using System.Globalization;
using Akka.Configuration;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Submissions;
using Tulu2.Files;

namespace Tulu2.Cluster.Hosting;

/// <summary>What a process's node, or a client of the cluster, is started with.</summary>
/// <param name="Where">The file the settings come from, for complaints; empty: they are the program's own.</param>
/// <param name="Text">HOCON over that of <c>cluster-config/base.conf</c>.</param>
public sealed record NodeSettings(string Where, string Text)
{
    private const string PlacesKey = "tulu2.node.places";

    /// <summary>In place of <c>akka.cluster.roles</c> of the file; null keeps them.</summary>
    public IReadOnlyList<string>? Roles { get; init; }

    /// <summary>Prepares the node for ranks it is given; null: it takes none.</summary>
    public INodePreparation? Preparation { get; init; }

    /// <summary>Does the runs that are submitted while this node has the coordinator; null: it takes none.</summary>
    public IRunService? Service { get; init; }

    /// <summary>Takes what a person should know, a sentence each: what is waited for, who comes and goes.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Takes what the actor system says, from warnings on, while the process has no run: for a log file.</summary>
    public Action<string>? Details { get; init; }

    internal Config Overrides { get; init; } = Config.Empty;

    private readonly Repeats _repeats = new();

    /// <summary>Says something, the same words at most once a minute. Callable from any thread.</summary>
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

    /// <summary>Where a key stands, for complaints: its file, which may be an included one, and its name.</summary>
    internal string Place(string key) => $"{ConfigText.FileOf(key, Text, Where) ?? Where}: {key}";

    /// <summary>A path that a key has, as the file that gives it means it.</summary>
    internal string PathOf(string key, string path) => Path.IsPathRooted(path) || ConfigText.FileOf(key, Text, Where) is not { } file ? path : ConfigText.Beside(file, path);

    // Ranks this node takes: as many as it has processors, unless it is said.
    internal int Places(Config config)
    {
        var given = config.HasPath(PlacesKey) ? config.GetString(PlacesKey) : "0";
        if (!int.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var places))
            throw new BadInputException(Place(PlacesKey), $"wants a whole number, not '{given}'", "give the number of ranks the node takes, or 0 for one a processor");
        return places switch
        {
            < 0 => throw new BadInputException(Place(PlacesKey), $"is {places}", "give the number of ranks the node takes, or 0 for one a processor"),
            0 => Environment.ProcessorCount,
            _ => places,
        };
    }
}
