using System.CommandLine;
using Tulu2.Cli.Shell;

namespace Tulu2.Cli.Commands;

/// <summary>Every command of the program.</summary>
internal static class CommandCatalogue
{
    public static IEnumerable<Command> All(Terminal terminal) =>
    [
        new TokenizerCommands(terminal).Create(),
        new ReportCommand(terminal).Create(),
        new CheckpointCommands(terminal).Create(),
    ];
}
