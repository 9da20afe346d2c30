using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cluster.Clients;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Messages;

namespace Tulu2.Cli.Commands;

/// <summary>Connects the commands that look at a cluster from outside.</summary>
internal static class ClusterConnection
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    // For a node that listens but is busy.
    private static readonly TimeSpan LongPatience = TimeSpan.FromSeconds(10);

    public static Option<string> ConfigOption() =>
        CommandBuilder.Required<string>("--config", "HOCON file that names the cluster's seed nodes; cluster-config/ holds examples");

    public static NodeSettings Settings(Terminal terminal, string path) =>
        NodeSettings.Load(path) with { Log = terminal.Say, Details = new DetailLog(terminal).Add };

    /// <param name="cancel">Id of a run to stop; null: none.</param>
    /// <returns>Null when no node answers; the reason is printed.</returns>
    /// <exception cref="Files.BadInputException">No node ever will.</exception>
    public static async Task<ClusterView?> LookAsync(Terminal terminal, ClusterClient client, string? cancel, CancellationToken cancellation)
    {
        if (await client.LookAsync(Patience, cancel, cancellation) is { } view) return view;
        var (words, listens) = await client.WhyAsync(cancellation);
        if (listens && await client.LookAsync(LongPatience, cancel, cancellation) is { } late) return late;
        terminal.Error.WriteLine($"error: {words}");
        return null;
    }
}
