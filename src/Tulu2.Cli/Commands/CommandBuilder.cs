using System.CommandLine;

namespace Tulu2.Cli.Commands;

/// <summary>Short forms for declaring commands.</summary>
internal static class CommandBuilder
{
    public static Command Group(string name, string description, params Command[] commands)
    {
        var group = new Command(name, description);
        foreach (var command in commands) group.Subcommands.Add(command);
        return group;
    }

    /// <param name="run">Returns the exit code; throws <see cref="Files.BadInputException"/> for what the user can mend.</param>
    public static Command Command(string name, string description, Symbol[] symbols, Func<ParseResult, CancellationToken, Task<int>> run)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Option option) command.Options.Add(option);
            else command.Arguments.Add((Argument)symbol);
        }
        command.SetAction(run);
        return command;
    }

    /// <summary>The same for what never looks whether it is to end: an interrupt ends it where it is.</summary>
    public static Command Command(string name, string description, Symbol[] symbols, Func<ParseResult, int> run) =>
        Command(name, description, symbols, (parsed, cancellation) => Task.Run(() => run(parsed)).WaitAsync(cancellation));

    public static Argument<string> Argument(string name, string description) => new(name) { Description = description };

    public static Argument<string[]> Arguments(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.OneOrMore };

    public static Option<T> Required<T>(string name, string description) => new(name) { Description = description, Required = true };

    public static Option<T?> Optional<T>(string name, string description) => new(name) { Description = description };

    public static Option<T> Option<T>(string name, string description, T otherwise) =>
        new(name) { Description = description, DefaultValueFactory = _ => otherwise };

    public static Option<string[]> Repeated(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.OneOrMore };

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };
}
