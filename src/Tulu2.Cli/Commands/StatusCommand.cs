using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Cluster.Clients;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>status --config FILE</c>: a cluster's nodes and its current run.</summary>
internal sealed class StatusCommand(Terminal terminal)
{
    private readonly Option<string> _config = ClusterConnection.ConfigOption();

    public Command Create() => CommandBuilder.Command("status", "Show a cluster's nodes and its current run", [_config], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        await using var client = ClusterClient.Start(ClusterConnection.Settings(terminal, parsed.GetValue(_config)!));
        if (await ClusterConnection.LookAsync(terminal, client, null, cancellation) is not { } cluster) return ExitCode.Failed;
        ClusterTable.Print(terminal, cluster);
        return ExitCode.Done;
    }
}
