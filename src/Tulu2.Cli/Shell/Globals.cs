using System.CommandLine;

namespace Tulu2.Cli.Shell;

/// <summary>Options that every command has.</summary>
internal static class Globals
{
    public static Option<bool> Json { get; } = new("--json") { Description = "End standard output with one JSON line for programs", Recursive = true };

    public static Option<bool> Verbose { get; } = new("--verbose") { Description = "Print where an unexpected error came from", Recursive = true };

    public static bool IsGiven(ParseResult parsed, Option<bool> option) => parsed.GetResult(option) is not null && parsed.GetValue(option);
}
