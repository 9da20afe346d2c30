using System.Globalization;
using System.Text.RegularExpressions;
using Akka.Configuration;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Submissions;
using Tulu2.Files;

namespace Tulu2.Cluster.Hosting;

/// <summary>What a process's node is started with.</summary>
/// <param name="Where">The file the settings come from, for complaints.</param>
/// <param name="Text">HOCON over that of <c>cluster-config/local.conf</c>.</param>
public sealed partial record NodeSettings(string Where, string Text)
{
    private const string PlacesKey = "tulu2.node.places";

    /// <summary>In place of <c>akka.cluster.roles</c> of the file; null keeps them.</summary>
    public IReadOnlyList<string>? Roles { get; init; }

    /// <summary>Prepares the node for ranks it is given; null: it takes none.</summary>
    public INodePreparation? Preparation { get; init; }

    /// <summary>Does the runs that are submitted while this node has the coordinator; null: it takes none.</summary>
    public IRunService? Service { get; init; }

    /// <summary>Takes what the actor system says, from warnings on, while the process has no run: peers that cannot be reached or are refused.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Take any free port, whatever the file says.</summary>
    public bool AnyPort { get; init; }

    internal Config Overrides { get; init; } = Config.Empty;

    /// <exception cref="BadInputException">There is no such file, or it is not HOCON.</exception>
    public static NodeSettings Load(string path)
    {
        try
        {
            return new NodeSettings(path, File.ReadAllText(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, File.Exists(path) ? "cannot be read" : "there is no such file", "name a HOCON file; cluster-config/ holds examples", error);
        }
    }

    internal Config Read()
    {
        try
        {
            var config = Text.Length == 0 ? Overrides : Overrides.WithFallback(ConfigurationFactory.ParseString(Complete(Text, Where)));
            if (AnyPort) config = ConfigurationFactory.ParseString("akka.remote.dot-netty.tcp.port = 0").WithFallback(config);
            return Roles is null ? config
                : ConfigurationFactory.ParseString($"akka.cluster.roles = [{string.Join(", ", Roles.Select(role => $"\"{role}\""))}]").WithFallback(config);
        }
        catch (Exception error) when (error is not BadInputException)
        {
            throw new BadInputException(Where, $"is not HOCON: {error.Message}", "mend the file; cluster-config/ holds examples", error);
        }
    }

    // HOCON's own `include` knows files only by the reader's current directory; here they are beside the file that names them. Nor does it know the environment.
    private static string Complete(string text, string file) => Variable().Replace(
        Include().Replace(text, match =>
        {
            var included = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, match.Groups[1].Value);
            return Complete(Load(included).Text, included);
        }),
        match => Environment.GetEnvironmentVariable(match.Groups[1].Value)
            ?? throw new BadInputException(file, $"the environment variable {match.Groups[1].Value} is not set", "set it, or write its value into the file"));

    [GeneratedRegex("^[ \\t]*include[ \\t]+\"([^\"]+)\"[ \\t]*$", RegexOptions.Multiline)]
    private static partial Regex Include();

    [GeneratedRegex("\\$\\{([A-Z][A-Z0-9_]*)\\}")]
    private static partial Regex Variable();

    // Ranks this node takes: as many as it has processors, unless it is said.
    internal int Places(Config config)
    {
        var given = config.HasPath(PlacesKey) ? config.GetString(PlacesKey) : "0";
        if (!int.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var places))
            throw new BadInputException($"{Where}: {PlacesKey}", $"wants a whole number, not '{given}'", "give the number of ranks the node takes, or 0 for one a processor");
        return places switch
        {
            < 0 => throw new BadInputException($"{Where}: {PlacesKey}", $"is {places}", "give the number of ranks the node takes, or 0 for one a processor"),
            0 => Environment.ProcessorCount,
            _ => places,
        };
    }

    // What the actor system says of a port that is taken or a certificate that is not there is the user's to mend.
    internal async Task ExplainAsync(Func<Task> start)
    {
        try
        {
            await start().ConfigureAwait(false);
        }
        catch (Exception error) when (Where.Length > 0 && error is not OperationCanceledException)
        {
            var cause = error;
            while (cause.InnerException is { } inner) cause = inner;
            throw new BadInputException(Where, $"the node cannot start: {cause.Message}", "check host name, port and certificate in it", error);
        }
    }
}
