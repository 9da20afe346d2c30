using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Tulu2.Files;

namespace Tulu2.Cli.Shell;

/// <summary>The error of a command line that cannot be parsed, with the command or option that was probably meant.</summary>
internal static partial class UsageError
{
    // Names that other programs give to the commands here.
    private static readonly Dictionary<string, string> Elsewhere = new()
    {
        ["finetune"] = "train RECIPE",
        ["fine-tune"] = "train RECIPE",
        ["sft"] = "train RECIPE with objective: sft",
        ["dpo"] = "train RECIPE with objective: dpo",
        ["resume"] = "train RECIPE --run DIR --resume",
        ["evaluate"] = "eval",
        ["test"] = "eval",
        ["inference"] = "generate",
        ["complete"] = "generate",
        ["worker"] = "node",
        ["verify"] = "checkpoint verify RUN, or ledger verify RUN",
        ["version"] = "--version",
        ["help"] = "--help",
    };

    /// <exception cref="BadInputException">The command line cannot be parsed.</exception>
    public static void Check(ParseResult parsed, IReadOnlyList<string> arguments)
    {
        var result = parsed.CommandResult;
        // The parser takes a mistyped option for another argument.
        var option = result.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value)
            .Concat(parsed.UnmatchedTokens).FirstOrDefault(token => OptionName().IsMatch(token));
        if (option is not null) throw UnknownOption(result, option);
        if (parsed.Errors.Count == 0) return;
        var where = $"tulu2 {string.Join(' ', arguments)}";
        throw parsed.UnmatchedTokens.FirstOrDefault() switch
        {
            null => Error(result, where, string.Join('\n', parsed.Errors.Select(error => error.Message)), null),
            var unknown when result.Command.Subcommands.Count > 0 => Error(result, where, $"there is no command '{unknown}'", Meant(result, unknown)),
            var unknown => Error(result, where, $"'{unknown}' is one argument too many", null),
        };
    }

    private static BadInputException UnknownOption(CommandResult result, string option)
    {
        var known = Chain(result).SelectMany(level => level.Command.Options.Where(option => level == result || option.Recursive));
        return Error(result, option, $"`{Path(result)}` has no such option", NearestName.Of(option, known.Select(option => option.Name)));
    }

    private static BadInputException Error(CommandResult result, string where, string what, string? meant) =>
        new(where, what, $"{(meant is null ? "" : $"did you mean `{meant}`? ")}see `{Path(result)} --help`");

    private static string? Meant(CommandResult result, string unknown)
    {
        var command = result.Command;
        // A command of that name in another group comes before one with a similar name: `stats` is `data stats`.
        var elsewhere = Chain(result).Last().Command.Subcommands.Where(group => group.Subcommands.Any(sub => sub.Name == unknown)).Select(group => $"{group.Name} {unknown}").FirstOrDefault();
        if (elsewhere is not null) return $"tulu2 {elsewhere}";
        if (NearestName.Of(unknown, command.Subcommands.Select(sub => sub.Name)) is { } nearest) return $"{Path(result)} {nearest}";
        return command is RootCommand && Elsewhere.TryGetValue(unknown, out var known) ? $"tulu2 {known}" : null;
    }

    private static string Path(CommandResult result) =>
        string.Join(' ', Chain(result).Reverse().Select(level => level.Command is RootCommand ? "tulu2" : level.Command.Name));

    // From a command up to the program.
    private static IEnumerable<CommandResult> Chain(CommandResult command)
    {
        for (SymbolResult? result = command; result is not null; result = result.Parent)
            if (result is CommandResult found)
                yield return found;
    }

    [GeneratedRegex(@"\A--[a-z][a-z-]*(=.*)?\z")]
    private static partial Regex OptionName();
}
