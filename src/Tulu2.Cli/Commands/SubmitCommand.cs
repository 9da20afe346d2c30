using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Training;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Submissions;
using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Commands;

/// <summary><c>submit RECIPE --config FILE</c>: a run on the nodes of a cluster, followed to its end.</summary>
internal sealed class SubmitCommand(Terminal terminal)
{
    private readonly Argument<string> _recipe = CommandBuilder.Argument("RECIPE", "YAML file; recipes/ holds examples");
    private readonly Option<string> _config = CommandBuilder.Required<string>("--config", "HOCON file that names the cluster's seed nodes; cluster-config/ holds examples");
    private readonly Option<string[]> _set = CommandBuilder.Repeated("--set", "key=value over the recipe, any key; may be repeated");
    private readonly Option<string?> _run = CommandBuilder.Optional<string>("--run", "Run directory, on storage that all nodes see; runs/<recipe's name> by default");
    private readonly Option<bool> _resume = CommandBuilder.Flag("--resume", "Go on with the run in the run directory");

    public Command Create() => CommandBuilder.Command("submit", "Run a recipe on the nodes of a cluster", [_recipe, _config, _set, _run, _resume], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var path = parsed.GetValue(_recipe)!;
        var loaded = RecipeReader.Load(path, parsed.GetValue(_set) ?? []);
        if (loaded.Recipe.Parallel.Data == 0)
            throw loaded.Fault("parallel.data", "a cluster needs to know the number of replicas", "give parallel.data, in the recipe or with --set");
        var settings = NodeSettings.Load(parsed.GetValue(_config)!) with { Roles = ["submitter"], AnyPort = true, Log = terminal.Say };
        var name = Path.GetFileNameWithoutExtension(path);
        var directory = new RunDirectory(parsed.GetValue(_run) ?? Path.Combine("runs", name));
        directory.Open(parsed.GetValue(_resume));
        var submitted = Path.Combine(directory.Root, "submitted.yaml");
        AtomicFile.WriteAllText(submitted, RecipeWriter.Write(RecipeProfiles.Apply(loaded.Recipe, loaded.Given)));

        terminal.Say($"joining the cluster of {settings.Where}");
        await using var host = await ActorHost.StartAsync(settings, cancellation);
        var run = new Submission(Guid.NewGuid().ToString("N"), name, submitted, directory.Root, terminal.Json);
        return await Submitter.RunAsync(host, run, Print, cancellation);
    }

    private void Print(bool isError, string line)
    {
        var writer = isError ? terminal.Error : terminal.Output;
        writer.WriteLine(line);
        writer.Flush();
    }
}
