using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Files;
using Tulu2.Mixtures.Building;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>data build MIXTURE --to DIR</c>: rows of several sources, converted, sampled and filtered by a recipe.</summary>
internal sealed class DataBuildCommand(Terminal terminal)
{
    private readonly Argument<string> _mixture = CommandBuilder.Argument("MIXTURE", "The mixture's YAML file; recipes/mixtures holds TÜLU's");

    private readonly Argument<string[]> _set = new("key=value")
    {
        Description = "Overrides of its keys, such as data=DIR, seed=7, sources.cot.weight=0.5, sources.lima=null",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string> _to = CommandBuilder.Required<string>("--to", "Directory of the mixture; a build that was stopped goes on there");

    private readonly Option<int> _threads =
        CommandBuilder.Option("--threads", "Threads at work; the result is the same for any number", Environment.ProcessorCount);

    public Command Create() => CommandBuilder.Command("build", "Build a mixture: convert, sample, filter and deduplicate the rows of several sources",
        [_mixture, _set, _to, _threads], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var request = new MixtureRequest(
            parsed.GetValue(_mixture)!, parsed.GetValue(_set) ?? [], parsed.GetValue(_to)!, CommandBuilder.AtLeastOne(parsed, _threads));
        var built = await ProgressDisplay.RunAsync(terminal, "building", report =>
            new MixtureBuilder(request, now => report(Snapshot(now))).Run(cancellation), cancellation);
        if (built.AlreadyThere) terminal.WriteHuman($"{built.Folder}: this mixture is there already");
        else MixtureTable.Write(terminal, built);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(built));
        return ExitCode.Done;
    }

    private static ProgressSnapshot Snapshot(BuildProgress now) => new(now.Done, now.Total) { Phase = Name(now.Phase) };

    private static string Name(BuildPhase phase) => phase switch
    {
        BuildPhase.Reading => "counting records",
        BuildPhase.Converting => "converting",
        _ => "writing rows",
    };
}
