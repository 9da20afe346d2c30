using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Runs.Chaos;
using Tulu2.Runs.Output;
using Tulu2.Runs.Reports;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary><c>chaos RECIPE [key=value …] [--faults FILE] [--seed N]</c>: runs a recipe undisturbed, and again while its processes are killed, stopped and slowed down.</summary>
internal sealed class ChaosCommand(Terminal terminal)
{
    private readonly RecipeArguments _recipe = new();
    private readonly Option<string?> _faults = CommandBuilder.Optional<string>("--faults", "YAML file of the faults (docs/chaos.md); without it a mix of all that a run is to survive");
    private readonly Option<int> _seed = CommandBuilder.Option("--seed", "Decides the moments, and which processes are hit", 1);
    private readonly Option<int> _repeat = CommandBuilder.Option("--repeat", "Runs under faults, each with the next seed", 1);
    private readonly Option<string?> _reference = CommandBuilder.Optional<string>("--reference", "parameters_sha256 that the run is to end with; without it the recipe is run undisturbed first");
    private readonly Option<string?> _run = CommandBuilder.Optional<string>("--run", "Directory for the runs; runs/chaos-<recipe's name> by default");
    private readonly Option<int> _nodes = CommandBuilder.Option("--nodes", "As for train: local node processes that run the ranks as a cluster; 0: no cluster", 0);

    public Command Create() => CommandBuilder.Command("chaos", "Run a recipe under faults: kills, stops and slow processes; exits with 1 unless it ends with the same bits and a sound ledger",
        [.. _recipe.Symbols, _faults, _seed, _repeat, _reference, _run, _nodes], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (file, nodes) = (parsed.GetValue(_faults), parsed.GetValue(_nodes));
        IReadOnlyList<ChaosFault> rules = file is not null ? ChaosFile.Read(file) : [.. Faults.Usual.Where(rule => nodes > 0 || rule.Role != ChaosRole.Node)];
        if (nodes <= 0 && rules.Any(rule => rule.Role == ChaosRole.Node)) throw new BadInputException(file!, "does something to nodes, and the run has none", "add --nodes N, or remove these faults");
        var (path, repeat) = (_recipe.Path(parsed), CommandBuilder.AtLeastOne(parsed, _repeat));
        // A recipe that is wrong is refused before anything is started.
        _recipe.Load(parsed);
        string[] train = [path, .. _recipe.Given(parsed), .. nodes > 0 ? ["--nodes", $"{nodes}"] : Array.Empty<string>()];
        var root = parsed.GetValue(_run) ?? Path.Combine("runs", $"chaos-{Path.GetFileNameWithoutExtension(path)}");
        if (Directory.Exists(root) && Directory.EnumerateFileSystemEntries(root).Any())
            throw new BadInputException($"--run {root}", "is not empty", "remove it, or name another directory");
        if (parsed.GetValue(_reference) is not { } expected)
        {
            terminal.Say("the recipe is run undisturbed");
            var quiet = await new ChaosRun(train, new RunDirectory(Path.Combine(root, "quiet")), new ChaosSchedule([], 0), terminal.Say).RunAsync(cancellation);
            if (quiet.ParametersSha256 is not { } hash)
            {
                terminal.Error.WriteLine(quiet.Errors);
                return quiet.Exit == ExitCode.Done ? ExitCode.Failed : quiet.Exit;
            }
            expected = hash;
        }
        var verdicts = new List<ChaosVerdict>();
        for (var number = 0; number < repeat; number++)
        {
            var seed = parsed.GetValue(_seed) + number;
            var directory = new RunDirectory(Path.Combine(root, $"seed-{seed}"));
            terminal.Say($"the recipe is run under faults, seed {seed}");
            var verdict = new ChaosVerdict(await new ChaosRun(train, directory, new ChaosSchedule(rules, seed), terminal.Say).RunAsync(cancellation), expected);
            verdicts.Add(verdict);
            Show(verdict, seed, directory);
        }
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(Json(verdicts, expected)));
        return verdicts.TrueForAll(verdict => verdict.Holds) ? ExitCode.Done : ExitCode.Failed;
    }

    private void Show(ChaosVerdict verdict, int seed, RunDirectory directory)
    {
        terminal.WriteHuman($"seed {seed}: {NumberText.Count(verdict.Run.Faults.Count, "fault")} in {NumberText.Duration(verdict.Run.Seconds)}, {(verdict.Holds ? "passed" : $"FAILED, see {directory.Root}")}");
        foreach (var line in verdict.Lines()) terminal.WriteHuman($"  {line}");
        if (verdict.Run.Ledger?.Times is { } times)
            foreach (var line in GoodputText.Lines(times)) terminal.WriteHuman($"  {line}");
        if (!verdict.Ended) terminal.Error.WriteLine(verdict.Run.Errors);
    }

    private static object Json(IEnumerable<ChaosVerdict> verdicts, string expected) => new
    {
        ParametersSha256 = expected,
        Runs = verdicts.Select(verdict => new
        {
            Passed = verdict.Holds,
            verdict.Ended,
            SameBits = verdict.HasSameBits,
            LedgerSound = verdict.IsLedgerSound,
            verdict.Run.Missed,
            verdict.Replayed,
            verdict.Run.Resumes,
            verdict.Run.Seconds,
            Faults = verdict.Run.Faults.Select(fault => new { fault.What, fault.Process, fault.At, fault.Step, fault.ToCommit }),
            Time = verdict.Run.Ledger?.Times is { } times ? GoodputText.Json(times) : null,
        }),
    };
}
