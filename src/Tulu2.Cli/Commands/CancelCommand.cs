using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Cluster.Clients;
using Tulu2.Cluster.Messages;
using Tulu2.Files;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>cancel --config FILE [RUN]</c>: stops a cluster's current run in order, whoever submitted it.</summary>
internal sealed class CancelCommand(Terminal terminal)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Argument<string?> _run = new("RUN")
    {
        Description = "Directory or name of the run, so that no other run is stopped; the current run by default",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string> _config = ClusterConnection.ConfigOption();

    public Command Create() => CommandBuilder.Command("cancel", "Stop a cluster's current run, after its step and a checkpoint", [_run, _config], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var config = parsed.GetValue(_config)!;
        await using var client = ClusterClient.Start(ClusterConnection.Settings(terminal, config));
        if (await ClusterConnection.LookAsync(terminal, client, null, cancellation) is not { } cluster) return ExitCode.Failed;
        var run = RunOf(cluster, parsed.GetValue(_run), config);
        terminal.Say($"{run.Directory} stops as soon as its step is done and a checkpoint is written");
        while (cluster?.Current?.Id == run.Id)
        {
            cluster = await ClusterConnection.LookAsync(terminal, client, run.Id, cancellation);
            if (cluster is null || cluster.Coordinator is null)
            {
                terminal.Error.WriteLine($"error: the cluster no longer answers, and the run may go on: `tulu2 status --config {config}` looks at it");
                return ExitCode.Failed;
            }
            await Task.Delay(Interval, cancellation);
        }
        if (cluster?.Last is { } last && last.Id == run.Id) run = last;
        foreach (var line in ClusterTable.Lines(run)) terminal.WriteHuman(line);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(run));
        return ExitCode.Done;
    }

    /// <summary>The current run, if it is the one that was named.</summary>
    internal static RunView RunOf(ClusterView cluster, string? meant, string config)
    {
        if (cluster.Coordinator is null)
            throw new BadInputException(config, "no coordinator of this cluster answers", "try again in a few seconds; `tulu2 status` shows the nodes");
        if (cluster.Current is not { } run) throw new BadInputException(meant ?? config, "the cluster has no current run", "`tulu2 status` shows which run ended last");
        return meant is null || meant == run.Title || Path.TrimEndingDirectorySeparator(Path.GetFullPath(meant)) == run.Directory ? run
            : throw new BadInputException(meant, $"the cluster's current run is another one: {run.Directory} ({run.Title})", "name that one, or omit the name");
    }
}
