using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cluster.Clients;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary><c>scale RUN --data N [--config FILE]</c>: another number of replicas for a run that is under way, on this machine or on a cluster.</summary>
internal sealed class ScaleCommand(Terminal terminal)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Argument<string?> _run = new("RUN")
    {
        Description = "Directory of the run; with --config its name will do, and the current run is meant by default",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<int> _data = CommandBuilder.Required<int>("--data", "Replicas, a multiple of parallel.zero; the result has the same bits");
    private readonly Option<string?> _config = CommandBuilder.Optional<string>("--config", "HOCON file that names the seed nodes of the cluster that has the run; without it the run is one of this machine");

    public Command Create() => CommandBuilder.Command("scale", "Give a run more or fewer replicas while it is under way", [_run, _data, _config], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (meant, data) = (parsed.GetValue(_run), parsed.GetValue(_data));
        if (parsed.GetValue(_config) is { } config) return await OnClusterAsync(meant, data, config, cancellation);
        var directory = new RunDirectory(meant ?? throw new BadInputException("RUN", "no run is named", "name its directory, or with --config the cluster that has it"));
        ScaleFile.Write(directory, data);
        Say(directory.Root, data);
        return ExitCode.Done;
    }

    private async Task<int> OnClusterAsync(string? meant, int data, string config, CancellationToken cancellation)
    {
        await using var client = ClusterClient.Start(ClusterConnection.Settings(terminal, config));
        if (await ClusterConnection.LookAsync(terminal, client, null, cancellation) is not { } cluster) return ExitCode.Failed;
        var run = CancelCommand.RunOf(cluster, meant, config);
        if (!await client.ScaleAsync(Patience, run.Id, data, cancellation))
        {
            terminal.Error.WriteLine($"error: the coordinator did not answer within {Patience.TotalSeconds:F0} s: `tulu2 status --config {config}` looks at the cluster");
            return ExitCode.Failed;
        }
        Say(run.Directory, data);
        return ExitCode.Done;
    }

    private void Say(string directory, int data)
    {
        terminal.Say($"{directory} has {NumberText.Count(data, "replica")} from its next commit on, or when it is resumed; new ones take part as soon as they have workers");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { Run = directory, Data = data }));
    }
}
