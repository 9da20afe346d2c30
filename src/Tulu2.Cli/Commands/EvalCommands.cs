using System.CommandLine;
using Tulu2.Cli.Shell;

namespace Tulu2.Cli.Commands;

/// <summary><c>eval TASK…</c>, <c>eval rows</c> and <c>eval list</c>.</summary>
internal sealed class EvalCommands(Terminal terminal)
{
    public Command Create()
    {
        var command = new EvalTasksCommand(terminal).Create();
        command.Subcommands.Add(new EvalRowsCommand(terminal).Create());
        command.Subcommands.Add(new EvalListCommand(terminal).Create());
        return command;
    }
}
