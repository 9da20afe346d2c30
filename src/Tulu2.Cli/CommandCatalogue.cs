using System.CommandLine;
using Tulu2.Cli.Commands;
using Tulu2.Cli.Shell;
using Tulu2.Hub.References;

namespace Tulu2.Cli;

/// <summary>Every command of the program.</summary>
internal static class CommandCatalogue
{
    public static IEnumerable<Command> All(Terminal terminal) =>
    [
        new DemoCommand(terminal).Create(),
        new TrainCommand(terminal).Create(),
        new PlanCommand(terminal).Create(),
        new RecipeCommands(terminal).Create(),
        new NodeCommand(terminal).Create(),
        new SubmitCommand(terminal).Create(),
        new StatusCommand(terminal).Create(),
        new CancelCommand(terminal).Create(),
        new ScaleCommand(terminal).Create(),
        new ClusterCommands(terminal).Create(),
        new ChaosCommand(terminal).Create(),
        CommandBuilder.Group("model", "Models on a hub", new FetchCommand(terminal, RepositoryKind.Model).Create()),
        new DataCommands(terminal).Create(),
        new TokenizerCommands(terminal).Create(),
        new GenerateCommand(terminal).Create(),
        new ChatCommand(terminal).Create(),
        new EvalCommands(terminal).Create(),
        new ScoreCommand(terminal).Create(),
        new ServeCommand(terminal).Create(),
        new ShardCommand(terminal).Create(),
        new ExportCommand(terminal).Create(),
        new QuantizeCommand(terminal).Create(),
        new MergeCommand(terminal).Create(),
        new CheckpointCommands(terminal).Create(),
        new BenchCommands(terminal).Create(),
        new LedgerCommands(terminal).Create(),
        new ReportCommand(terminal).Create(),
        new LeaderboardCommand(terminal).Create(),
    ];
}
