using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Hosting;
using Tulu2.Evaluation.Workers;
using Tulu2.Files;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Training.Hosting;

namespace Tulu2.Cli.Commands;

/// <summary><c>node --config FILE [--roles a,b]</c>: one node of a cluster over machines, until it is stopped.</summary>
internal sealed class NodeCommand(Terminal terminal)
{
    // Of a node that only scores: behind ranks on the same machine, which are at 10.
    private const int EvaluatorNice = 15;

    // Where machines are taken back, half a minute is what is usual between notice and end.
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(25);

    private readonly Option<string> _config = CommandBuilder.Required<string>("--config", "HOCON file; cluster-config/ holds examples");
    private readonly Option<string?> _roles = CommandBuilder.Optional<string>("--roles", "Roles of this node: coordinator, trainer, evaluator, separated by commas; the file's by default");
    private readonly Option<int?> _child = new("--child") { Description = "End with this process, which started this one", Hidden = true };

    public Command Create() => CommandBuilder.Command("node", "Join a cluster and run ranks or evaluators for it", [_config, _roles, _child], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(_child) is { } parent && !ChildProcess.EndsWithParent(parent)) return ExitCode.Failed;
        using var adoption = OwnAdoptionFolder.Create();
        var service = new RunService();
        var loaded = NodeSettings.Load(parsed.GetValue(_config)!);
        var settings = loaded with
        {
            Roles = RolesOf(parsed.GetValue(_roles)),
            Preparation = new NodePreparation(adoption.Folder, terminal.Say) { Identity = loaded.ReadIdentity },
            Memory = MemoryReader.Read(),
            Evaluators = new CheckpointEvaluators(terminal.LogFile) { Shards = loaded.ReadShards() },
            Service = service,
            Log = terminal.Say,
            Details = new DetailLog(terminal).Add,
        };
        if ((settings.Roles ?? loaded.ReadRoles()) is ["evaluator"]) IdlePriority.Lower(EvaluatorNice);
        terminal.Say($"joining the cluster of {settings.Where}");
        await using var host = await ActorHost.StartAsync(settings, cancellation);
        service.Host.TrySetResult(host);
        var evaluators = host.Evaluators == 0 ? "" : $", with {NumberText.Count(host.Evaluators, "evaluator")}";
        terminal.Say($"node {host.Address} is up and takes {(host.Places == 0 ? "no ranks" : NumberText.Count(host.Places, "rank"))}{evaluators}; details go to {terminal.LogFile}");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { host.Address }));
        await Task.WhenAny(host.Terminated, Task.Delay(Timeout.Infinite, cancellation));
        if (cancellation.IsCancellationRequested)
        {
            // A second signal ends the process at once.
            if (!await host.DrainAsync(LeavePatience)) terminal.Say($"the ranks of this node have not finished their step within {LeavePatience.TotalSeconds:F0} s");
            return ExitCode.Done;
        }
        // Whoever watches this process starts it again; the node then joins as a new one.
        terminal.Say("the cluster has given this node up");
        return ExitCode.Failed;
    }

    private static string[]? RolesOf(string? given)
    {
        var roles = given?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        // A node with an unknown role would wait for work that never comes.
        if (roles?.FirstOrDefault(role => role is not ("coordinator" or "trainer" or "evaluator")) is { } unknown)
            throw new BadInputException("--roles", $"there is no role '{unknown}'", "use coordinator, trainer and evaluator, separated by commas");
        return roles;
    }
}
