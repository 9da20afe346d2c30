using System.CommandLine;
using System.Globalization;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Provenance;
using Tulu2.Files;
using Tulu2.Models.HuggingFace;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>merge --model BASE --adapter DIR --to DIR</c>: adapters added to the weights of their model.</summary>
internal sealed class MergeCommand(Terminal terminal)
{
    /// <summary>Names of the choices of <c>--base</c>.</summary>
    internal static readonly Dictionary<string, MergeBase> Bases = new() { ["original"] = MergeBase.Original, ["dequantized"] = MergeBase.Dequantized };

    private readonly Option<string> _model = CommandBuilder.Required<string>("--model", ModelArgument.Description);
    private readonly Option<string[]> _adapters = CommandBuilder.Repeated("--adapter", "PEFT folder, or DIR=WEIGHT to add it that many times; may be repeated");
    private readonly Option<string> _to = CommandBuilder.Required<string>("--to", "Directory to write; an earlier export there is replaced");
    private readonly Option<string?> _base = CommandBuilder.Optional<string>(
        "--base", "original: the weights in the files; dequantized: those that the 4-bit form stands for, the default for adapters that were trained beside it");
    private readonly Option<string> _type = CommandBuilder.Option("--dtype", "fp32, bf16 or fp16", "bf16");

    public Command Create()
    {
        _type.AcceptOnlyFromAmong([.. ExportCommand.Types.Keys]);
        _base.AcceptOnlyFromAmong([.. Bases.Keys]);
        return CommandBuilder.Command("merge", "Add adapters to the weights of their model", [_model, _adapters, _to, _base, _type], RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var to = Path.GetFullPath(parsed.GetValue(_to)!);
        if (parsed.GetValue(_adapters) is not { Length: > 0 } given) throw new BadInputException("--adapter", "no adapters are named", "give --adapter DIR");
        var model = await ModelArgument.DirectoryAsync(terminal, parsed.GetValue(_model)!, cancellation);
        var config = HuggingFaceModel.ReadConfig(model);
        MergeBase? choice = parsed.GetValue(_base) is { } name ? Bases[name] : null;
        var folders = new List<AdapterFolder>();
        try
        {
            var adapters = given.Select(text =>
            {
                var (directory, weight) = WeightOf(text);
                folders.Add(AdapterFolder.Open(directory));
                return folders[^1].ToMerge(config, weight);
            }).ToList();
            var outcome = await ProgressDisplay.RunAsync(terminal, "merge", report => AdapterMerge.Write(
                model, adapters, to, choice, ExportCommand.Types[parsed.GetValue(_type)!], (done, total) => report(new ProgressSnapshot(done, total))), cancellation);
            ProvenanceFile.Write(to, ModelProvenance.Joined([ProvenanceFile.Read(model), .. folders.Select(folder => ProvenanceFile.Read(folder.Directory))]));
            Tell(terminal, model, to, outcome);
        }
        finally
        {
            folders.ForEach(folder => folder.Dispose());
        }
        return ExitCode.Done;
    }

    /// <summary>Says what was merged into what.</summary>
    internal static void Tell(Terminal terminal, string model, string to, MergeOutcome outcome)
    {
        var used = Bases.Single(pair => pair.Value == outcome.Base).Key;
        terminal.WriteHuman($"from {model}, {used} weights");
        terminal.WriteHuman($"to   {to}, {NumberText.Count(outcome.Matrices, "matrix", "matrices")} with adapters");
        if (outcome.Largest is { } largest)
            terminal.Say(string.Create(CultureInfo.InvariantCulture,
                $"the {Bases.Keys.Single(name => name != used)} weights, which --base would choose, differ from these by up to {largest:G3} (in {outcome.LargestIn})"));
        if (terminal.Json)
            terminal.Output.WriteLine(JsonLine.Of(new { Model = model, Export = to, Base = used, outcome.Matrices, LargestDifference = outcome.Largest, LargestDifferenceIn = outcome.LargestIn }));
    }

    // A path may hold the sign itself: what follows the last one is a weight only if it is a number.
    private static (string Directory, double Weight) WeightOf(string text) =>
        text.LastIndexOf('=') is > 0 and var at && double.TryParse(text[(at + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && double.IsFinite(weight)
            ? (text[..at], weight) : (text, 1);
}
