using System.CommandLine;
using Tulu2.Cli.Commands;
using Tulu2.Cli.Shell;
using Tulu2.Runs.Output;

namespace Tulu2.Cli;

/// <summary>The program: finds the command, runs it, and turns an error into one readable block and an exit code.</summary>
internal static class TuluCommand
{
    /// <param name="interrupt">The signals that stop the command; null: none do.</param>
    public static async Task<int> RunAsync(string[] arguments, Terminal terminal, Interrupt? interrupt = null)
    {
        (terminal.Interrupt, terminal.Arguments) = (interrupt, arguments);
        var code = await RunToEndAsync(arguments, terminal, interrupt);
        // A command that completed despite the signal, as a node does, did its work.
        return code != ExitCode.Done && interrupt?.Code is { } interrupted ? interrupted : code;
    }

    private static async Task<int> RunToEndAsync(string[] arguments, Terminal terminal, Interrupt? interrupt)
    {
        try
        {
            var root = Build(terminal);
            var parsed = root.Parse(CommandBuilder.WithResume(arguments));
            terminal.Json = Globals.IsGiven(parsed, Globals.Json);
            terminal.Verbose = Globals.IsGiven(parsed, Globals.Verbose);
            UsageError.Check(parsed, arguments);
            var command = parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = terminal.Output,
                Error = terminal.Error,
                ProcessTerminationTimeout = null,
            }, interrupt?.Token ?? CancellationToken.None);
            if (interrupt is not null && await Task.WhenAny(command, interrupt.Overdue) != command) throw new OperationCanceledException(interrupt.Token);
            return await command;
        }
        catch (Exception error)
        {
            return Report(error, arguments, terminal);
        }
    }

    internal static RootCommand Build(Terminal terminal)
    {
        var root = new RootCommand("TÜLU 2 fine-tuning: data, tokenizer, SFT, DPO, evaluation and export, under actors");
        root.Options.Add(Globals.Json);
        root.Options.Add(Globals.Verbose);
        foreach (var command in CommandCatalogue.All(terminal)) root.Subcommands.Add(command);
        return root;
    }

    /// <summary>Prints an error, logs its details, and returns the exit code.</summary>
    internal static int Report(Exception error, string[] arguments, Terminal terminal)
    {
        var report = ErrorLog.Report(error, arguments, terminal);
        terminal.Output.Flush();
        terminal.Error.WriteLine(report.Block);
        if (terminal.Verbose) terminal.Error.WriteLine(error);
        return report.Code;
    }
}
