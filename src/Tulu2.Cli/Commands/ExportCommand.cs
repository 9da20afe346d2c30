using System.CommandLine;
using Tulu2.Checkpoints;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Hub.Selection;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Output;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Cli.Commands;

/// <summary><c>export RUN|MANIFEST --to DIR</c>: a Hugging Face directory from a checkpoint.</summary>
internal sealed class ExportCommand(Terminal terminal)
{
    internal static readonly Dictionary<string, string> Types = new() { ["fp32"] = "F32", ["bf16"] = "BF16", ["fp16"] = "F16" };

    private readonly Argument<string> _from = CommandBuilder.Argument("RUN|MANIFEST", "Run directory (its newest sound checkpoint), or one manifest of a run");
    private readonly Option<string> _to = CommandBuilder.Required<string>("--to", "Directory to write; must be empty or not exist");
    private readonly Option<string> _type = CommandBuilder.Option("--dtype", "fp32, bf16 or fp16", "fp32");

    private readonly Option<bool> _merge = CommandBuilder.Flag("--merge", "Of a run with adapters: the whole model with them, not a PEFT folder");

    public Command Create()
    {
        _type.AcceptOnlyFromAmong([.. Types.Keys]);
        return CommandBuilder.Command("export", "Write a checkpoint as a Hugging Face directory", [_from, _to, _type, _merge], RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (from, to) = (Path.GetFullPath(parsed.GetValue(_from)!), Path.GetFullPath(parsed.GetValue(_to)!));
        if (File.Exists(to) || (Directory.Exists(to) && Directory.EnumerateFileSystemEntries(to).Any()))
            throw new BadInputException(to, "exists and is not empty", "name a directory that does not exist");
        // RUN/checkpoints/manifests/step-00000100.json
        var run = new RunDirectory(File.Exists(from) ? Path.Combine(Path.GetDirectoryName(from)!, "..", "..") : from);
        if (!run.HasRun) throw new BadInputException(from, "belongs to no run", "name a run directory, or a manifest in its checkpoints/manifests");
        var store = new CheckpointStore(run.Checkpoints);
        var (path, manifest) = File.Exists(from)
            ? (from, store.Read(from))
            : store.LatestSound(terminal.Say) ?? throw new BadInputException(from, "holds no sound checkpoint", "see `tulu2 checkpoint verify`");
        var known = RunRecipe.Read(run, store, terminal.Say) ?? throw new BadInputException(run.Recipe, "is lost", "resume the run once with its recipe, which writes it again");
        var loaded = RecipeReader.LoadText(run.Recipe, known.Text);
        var merges = parsed.GetValue(_merge);
        if (merges && loaded.Recipe.Lora is null) throw new BadInputException("--merge", "the run trains no adapters: its checkpoints hold the whole model", "leave it out");
        // The checkpoint has the weights, but of adapters not those beside them.
        loaded = (await HubSources.FetchModelAsync(loaded, known.Commits, merges ? ModelFiles.Whole : ModelFiles.WithoutWeights, terminal.Say, cancellation)).Loaded;
        var type = Types[parsed.GetValue(_type)!];
        await Task.Run(() => Write(), cancellation).WaitAsync(cancellation);
        terminal.WriteHuman($"step {manifest.Step}");
        terminal.WriteHuman($"from {path}");
        terminal.WriteHuman($"to   {to}");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { manifest.Step, Manifest = path, Export = to }));
        return ExitCode.Done;

        void Write()
        {
            var model = ModelSource.Open(loaded);
            if (merges) MergeCommand.Tell(terminal, loaded.Recipe.Model.Path ?? run.BaseExport, to, ModelExport.Merged(store, manifest, model, loaded.Recipe, run, type, to));
            else ModelExport.FromCheckpoint(store, manifest, model, loaded.Recipe, run, type, to);
        }
    }
}
