using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cluster.Clients;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Files;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Commands;

/// <summary><c>submit RECIPE --config FILE</c>: a run on the nodes of a cluster, followed to its end.</summary>
internal sealed class SubmitCommand(Terminal terminal)
{
    private readonly RecipeArguments _recipe = new();
    private readonly Option<string> _config = ClusterConnection.ConfigOption();
    private readonly Option<string?> _run = CommandBuilder.Optional<string>("--run", "Run directory, on storage that all nodes see; runs/<recipe's name> by default");
    private readonly Option<string?> _resume = CommandBuilder.Resume();
    private readonly Option<string[]> _change = CommandBuilder.Change();
    private readonly Option<bool> _force = CommandBuilder.Force();

    public Command Create() => CommandBuilder.Command("submit", "Run a recipe on the nodes of a cluster", [.. _recipe.Symbols, _config, _run, _resume, _change, _force],
        RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var path = _recipe.Path(parsed);
        var loaded = _recipe.Load(parsed);
        if (loaded.Recipe.Parallel.Data == 0)
            throw loaded.Fault("parallel.data", "a cluster needs to know the number of replicas", "give parallel.data, in the recipe or as parallel.data=N behind it");
        var config = parsed.GetValue(_config)!;
        // Before anything is written: a cluster that cannot be reached gets no run.
        await using var client = ClusterClient.Start(ClusterConnection.Settings(terminal, config));
        var name = Path.GetFileNameWithoutExtension(path);
        var directory = new RunDirectory(parsed.GetValue(_run) ?? Path.Combine("runs", name));
        var (mode, changes) = CommandBuilder.BeginningOf(parsed, _resume, _change);
        if (RunBeginning.Opens(loaded.Recipe, directory, mode, changes) && changes.Length > 0)
        {
            await RunLock.WaitAsync(directory.Ledger, TimeSpan.Zero, terminal.Say, cancellation);
            RunBeginning.Remember(loaded, directory, changes, terminal.Say);
        }
        var submitted = Path.Combine(directory.Root, "submitted.yaml");
        AtomicFile.WriteAllText(submitted, RecipeWriter.Write(RecipeProfiles.Apply(loaded.Recipe, loaded.Given)));

        terminal.Say($"asking the cluster of {config}");
        var run = new Submission(Guid.NewGuid().ToString("N"), directory.Name, submitted, directory.Root, terminal.Json, parsed.GetValue(_force));
        var isAccepted = false;
        try
        {
            var end = await Submitter.RunAsync(client, run, Print, () =>
            {
                isAccepted = true;
                terminal.Say($"{name}: accepted; it continues without this command, and `tulu2 status --config {config}` shows it");
            }, cancellation);
            return Ended(end, config);
        }
        finally
        {
            if (!isAccepted) Withdraw(directory, submitted);
        }
    }

    private int Ended(SubmissionEnd end, string config)
    {
        if (end is SubmissionEnd.Over over) return over.ExitCode;
        terminal.Say(end switch
        {
            SubmissionEnd.NeverTaken => "stopped: no coordinator had accepted the run",
            SubmissionEnd.StillEnding => $"stopped: the run ends once its step is done and a checkpoint is written; `tulu2 status --config {config}` shows it",
            _ => $"stopped: the cluster does not answer, and the run may go on; `tulu2 status --config {config}` shows it, `tulu2 cancel --config {config}` stops it",
        });
        return ExitCode.Failed;
    }

    // A directory without a run would be in the way of the next attempt.
    private static void Withdraw(RunDirectory directory, string submitted)
    {
        if (directory.HasRun) return;
        File.Delete(submitted);
        directory.Abandon();
    }

    private void Print(bool isError, string line)
    {
        var writer = isError ? terminal.Error : terminal.Output;
        writer.WriteLine(line);
        writer.Flush();
    }
}
