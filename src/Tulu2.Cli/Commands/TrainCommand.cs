using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Cli.Commands;

/// <summary><c>train RECIPE [key=value …] [--run DIR] [--resume [auto]] [--change key=value] [--show-recipe]</c>.</summary>
internal sealed class TrainCommand(Terminal terminal)
{
    // A process whose launcher was killed still finishes its step and writes its checkpoint.
    private static readonly TimeSpan OthersPatience = TimeSpan.FromSeconds(60);

    private readonly RecipeArguments _recipe = new();
    private readonly Option<string?> _run = CommandBuilder.Optional<string>("--run", "Run directory; runs/<recipe's name> by default");
    private readonly Option<string?> _resume = CommandBuilder.Resume();
    private readonly Option<string[]> _change = CommandBuilder.Change();
    private readonly Option<bool> _show = CommandBuilder.Flag("--show-recipe", "Print the recipe with every key, and exit");
    private readonly Option<bool> _inProcess = CommandBuilder.Flag("--in-process", "Run ranks as threads of this process instead of separate processes");
    private readonly Option<int> _nodes = CommandBuilder.Option("--nodes", "Number of local node processes that run the ranks as a cluster; 0: no cluster", 0);
    private readonly Option<int> _ranksPerNode = CommandBuilder.Option("--ranks-per-node", "Ranks per local node; 0: as many as the recipe's layout needs", 0);
    private readonly Option<bool> _force = CommandBuilder.Force();

    public Command Create() => CommandBuilder.Command("train", "Fine-tune by recipe: SFT or DPO",
        [.. _recipe.Symbols, _run, _resume, _change, _show, _inProcess, _nodes, _ranksPerNode, _force], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var path = _recipe.Path(parsed);
        var given = _recipe.Given(parsed);
        var kept = terminal.Launched is { Folder: var folder } ? LaunchedCoordinator.RecipeIn(folder) : null;
        var loaded = RecipeReader.Load(path, given, kept);
        var hosting = Hosting(parsed, loaded.Recipe.Parallel);
        // A recipe that leaves the number of replicas open gets as many as the nodes have room for.
        if (hosting is RankHosting.Nodes nodes && loaded.Recipe.Parallel is { Data: 0 } open)
            loaded = RecipeReader.Load(path, [.. given, $"parallel.data={nodes.Count * nodes.RanksPerNode / (open.Tensor * open.Pipeline)}"], kept);
        if (parsed.GetValue(_show))
        {
            terminal.Output.Write(RecipeWriter.Write(RecipeProfiles.Apply(loaded.Recipe, loaded.Given)));
            return ExitCode.Done;
        }
        var name = Path.GetFileNameWithoutExtension(path);
        var directory = new RunDirectory(parsed.GetValue(_run) ?? Path.Combine("runs", name));
        var (mode, changes) = CommandBuilder.BeginningOf(parsed, _resume, _change);
        if (terminal is { IsOwnProcess: true, Launched: null } && hosting is not RankHosting.Threads)
            return await LaunchAsync(path, directory, spare: hosting is RankHosting.Processes && loaded.Recipe.Parallel.Spares > 0, cancellation);
        if (terminal.Launched is { Role: not CoordinatorRole.First }) mode = ResumeMode.Auto;
        await using var node = new LocalNode();
        var runner = new TrainRunner(terminal, node, hosting)
        {
            Command = CommandText.Of(CommandText.WithoutBeginning(terminal.Arguments)),
            Changes = changes,
            Launched = terminal.Launched,
            OthersPatience = mode == ResumeMode.New ? TimeSpan.Zero : OthersPatience,
            IsForced = parsed.GetValue(_force),
        };
        var result = await runner.RunAsync(directory.Name, loaded, directory, mode, cancellation);
        foreach (var line in TrainSummary.Lines(result, directory)) terminal.WriteHuman(line);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(result));
        return ExitCode.Done;
    }

    private async Task<int> LaunchAsync(string recipe, RunDirectory directory, bool spare, CancellationToken cancellation)
    {
        using var held = terminal.Interrupt?.Hold();
        return await new CoordinatorLauncher(terminal.Arguments, recipe, directory.Ledger, spare, terminal.Say).RunAsync(() => terminal.Interrupt!.Number!.Value, cancellation);
    }

    private RankHosting Hosting(ParseResult parsed, ParallelRecipe parallel)
    {
        var (nodes, perNode) = (parsed.GetValue(_nodes), parsed.GetValue(_ranksPerNode));
        if (nodes < 0) throw new BadInputException("--nodes", $"{nodes} is below 0", "use 1 or more, or leave it out");
        if (perNode < 0) throw new BadInputException("--ranks-per-node", $"{perNode} is below 0", "use 1 or more, or leave it out");
        if (nodes == 0)
        {
            if (perNode > 0) throw new BadInputException("--ranks-per-node", "has no effect without --nodes", "add --nodes, or remove it");
            return parsed.GetValue(_inProcess) ? new RankHosting.Threads() : new RankHosting.Processes();
        }
        if (parsed.GetValue(_inProcess)) throw new BadInputException("--in-process", "cannot be combined with --nodes", "keep one of them");
        var replica = parallel.Tensor * parallel.Pipeline;
        var ranks = parallel.Data > 0 ? parallel.Data * replica : Math.Max(nodes, replica);
        if (perNode == 0) perNode = (ranks + nodes - 1) / nodes;
        if (nodes * perNode < (parallel.Data > 0 ? ranks : replica))
            throw new BadInputException("--ranks-per-node", $"{NumberText.Count(nodes, "node")} with {NumberText.Count(perNode, "rank")} each: no room for the layout's {NumberText.Count(parallel.Data > 0 ? ranks : replica, "rank")}",
                "use more nodes or ranks on each, or a smaller layout in `parallel`");
        return new RankHosting.Nodes(nodes, perNode);
    }
}
