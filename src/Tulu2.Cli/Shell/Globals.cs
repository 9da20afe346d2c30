using System.CommandLine;

namespace Tulu2.Cli.Shell;

/// <summary>Options that every command has.</summary>
internal static class Globals
{
    public static Option<bool> Json { get; } = new("--json") { Description = "Print the result as one JSON line at the end of standard output", Recursive = true };

    public static Option<bool> Verbose { get; } = new("--verbose") { Description = "Print the stack trace of an unexpected error", Recursive = true };

    public static bool IsGiven(ParseResult parsed, Option<bool> option) => parsed.GetResult(option) is not null && parsed.GetValue(option);
}
