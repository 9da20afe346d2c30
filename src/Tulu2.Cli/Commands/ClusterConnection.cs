using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Submissions;

namespace Tulu2.Cli.Commands;

/// <summary>How the commands that look at a cluster from outside come to it.</summary>
internal static class ClusterConnection
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    // For a node that listens and is busy.
    private static readonly TimeSpan LongPatience = TimeSpan.FromSeconds(10);

    public static Option<string> ConfigOption() =>
        CommandBuilder.Required<string>("--config", "HOCON file that names the cluster's seed nodes; cluster-config/ holds examples");

    public static NodeSettings Settings(Terminal terminal, string path) =>
        NodeSettings.Load(path) with { Log = terminal.Say, Details = new DetailLog(terminal).Add };

    /// <param name="cancel">The id of a run that is to end in order; null: none.</param>
    /// <returns>Null, with the reason said, where nobody answers.</returns>
    /// <exception cref="Files.BadInputException">Nobody ever will.</exception>
    public static async Task<ClusterView?> LookAsync(Terminal terminal, ClusterClient client, string? cancel, CancellationToken cancellation)
    {
        if (await client.LookAsync(Patience, cancel, cancellation) is { } view) return view;
        var (words, listens) = await client.WhyAsync(cancellation);
        if (listens && await client.LookAsync(LongPatience, cancel, cancellation) is { } late) return late;
        terminal.Error.WriteLine($"error: {words}");
        return null;
    }
}
