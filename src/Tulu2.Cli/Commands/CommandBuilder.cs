using System.CommandLine;
using Tulu2.Files;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary>Short forms for declaring commands.</summary>
internal static class CommandBuilder
{
    private const string ResumeName = "--resume", Always = "true";

    public static Command Group(string name, string description, params Command[] commands)
    {
        var group = new Command(name, description);
        foreach (var command in commands) group.Subcommands.Add(command);
        return group;
    }

    /// <param name="run">Returns the exit code; throws <see cref="Files.BadInputException"/> for what the user can correct.</param>
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

    /// <summary>The same for work that does not observe cancellation: an interrupt abandons it.</summary>
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

    /// <summary><c>--resume</c> or <c>--resume auto</c>.</summary>
    public static Option<string?> Resume()
    {
        var option = Optional<string>(ResumeName, "Resume the run in the run directory; auto: start it where there is none");
        option.Arity = ArgumentArity.ZeroOrOne;
        option.AcceptOnlyFromAmong("auto", Always);
        return option;
    }

    /// <summary><c>--change key=value</c>.</summary>
    public static Option<string[]> Change() => Repeated("--change",
        "With --resume: key=value that is valid from here on, for learning rate, schedule, steps or epochs, checkpoint and patience; may be repeated");

    public static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    /// <exception cref="BadInputException">The option's value is below 1.</exception>
    public static int AtLeastOne(ParseResult parsed, Option<int> option) => parsed.GetValue(option) is >= 1 and var value ? value
        : throw new BadInputException(option.Name, $"{parsed.GetValue(option)} is below 1", "use 1 or more");

    /// <returns>Null: it is not given.</returns>
    /// <exception cref="BadInputException">The option's value is below the least.</exception>
    public static int? AtLeast(int least, ParseResult parsed, Option<int?> option) => parsed.GetValue(option) is { } value && value < least
        ? throw new BadInputException(option.Name, $"{value} is below {least}", $"use {least} or more")
        : parsed.GetValue(option);

    /// <exception cref="BadInputException">A change without --resume.</exception>
    public static (ResumeMode Mode, string[] Changes) BeginningOf(ParseResult parsed, Option<string?> resume, Option<string[]> change)
    {
        var changes = parsed.GetValue(change) ?? [];
        if (IsGiven(parsed, resume))
            return (parsed.GetValue(resume) == "auto" ? ResumeMode.Auto : ResumeMode.Resume, changes);
        return changes.Length == 0 ? (ResumeMode.New, changes)
            : throw new BadInputException($"--change {changes[0]}", "changes a run that is resumed", $"add --resume, or start the run with {changes[0]} after the recipe");
    }

    /// <summary>What stands behind <c>--resume</c> is its value only where it is <c>auto</c>; else it is the next argument.</summary>
    public static string[] WithResume(IReadOnlyList<string> arguments) => [.. arguments.Select((argument, index) =>
        argument == ResumeName && arguments.ElementAtOrDefault(index + 1) != "auto" ? $"{ResumeName}={Always}" : argument)];

    public static Option<bool> Force() => Flag("--force", "Start the run even if its ranks need more memory than their machines have");

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };
}
