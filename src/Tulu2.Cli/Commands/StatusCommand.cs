using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Cluster.Clients;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary><c>status RUN</c>: how far a run is and where its time went, from its files; <c>status --config FILE</c>: a cluster's nodes and its current run.</summary>
internal sealed class StatusCommand(Terminal terminal)
{
    private readonly Argument<string?> _run = new("RUN") { Description = "Directory of a run, which may be under way", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _config = CommandBuilder.Optional<string>("--config", "HOCON file that names a cluster's seed nodes; cluster-config/ holds examples");

    public Command Create() => CommandBuilder.Command("status", "Show how far a run is and where its time went; or a cluster's nodes and its current run", [_run, _config], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(_run) is { } run)
        {
            if (parsed.GetValue(_config) is not null) throw new BadInputException("--config", "names a cluster, and RUN a run's directory", "keep one of them");
            RunTable.Print(terminal, new RunDirectory(run));
            return ExitCode.Done;
        }
        var config = parsed.GetValue(_config) ?? throw new BadInputException("status", "neither a run nor a cluster is named", "name a run's directory, or a cluster with --config FILE");
        await using var client = ClusterClient.Start(ClusterConnection.Settings(terminal, config));
        if (await ClusterConnection.LookAsync(terminal, client, null, cancellation) is not { } cluster) return ExitCode.Failed;
        ClusterTable.Print(terminal, cluster);
        return ExitCode.Done;
    }
}
