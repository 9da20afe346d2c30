using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Training;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Commands;

/// <summary><c>train RECIPE [--set key=value] [--run DIR] [--resume] [--show-recipe]</c>.</summary>
internal sealed class TrainCommand(Terminal terminal)
{
    private readonly Argument<string> _recipe = CommandBuilder.Argument("RECIPE", "YAML file; recipes/ holds examples");
    private readonly Option<string[]> _set = CommandBuilder.Repeated("--set", "key=value over the recipe, any key; may be repeated");
    private readonly Option<string?> _run = CommandBuilder.Optional<string>("--run", "Run directory; runs/<recipe's name> by default");
    private readonly Option<bool> _resume = CommandBuilder.Flag("--resume", "Go on with the run in the run directory");
    private readonly Option<bool> _show = CommandBuilder.Flag("--show-recipe", "Print the recipe with every key and end");
    private readonly Option<bool> _inProcess = CommandBuilder.Flag("--in-process", "Ranks as threads of this process, not as processes of their own");

    public Command Create() => CommandBuilder.Command("train", "SFT or DPO by recipe", [_recipe, _set, _run, _resume, _show, _inProcess], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var path = parsed.GetValue(_recipe)!;
        var loaded = RecipeReader.Load(path, parsed.GetValue(_set) ?? []);
        if (parsed.GetValue(_show))
        {
            terminal.Output.Write(RecipeWriter.Write(RecipeProfiles.Apply(loaded.Recipe, loaded.Given)));
            return ExitCode.Done;
        }
        var name = Path.GetFileNameWithoutExtension(path);
        var directory = new RunDirectory(parsed.GetValue(_run) ?? Path.Combine("runs", name));
        await using var node = new LocalNode();
        var result = await new TrainRunner(terminal, node, parsed.GetValue(_inProcess)).RunAsync(name, loaded, directory, parsed.GetValue(_resume), cancellation);
        Print(result, directory);
        return ExitCode.Done;
    }

    private void Print(TrainResult result, RunDirectory directory)
    {
        var table = new Table().HideHeaders().AddColumns("", "");
        table.AddRow("steps", $"{result.Steps}");
        table.AddRow("loss", $"{result.LossFirst:F4} to {result.LossLast:F4}");
        table.AddRow("tokens/s", $"{result.TokensPerSecond:N0}");
        table.AddRow("parameters", result.ParametersSha256);
        table.AddRow("model", Markup.Escape(directory.FinalExport));
        table.AddRow("report", Markup.Escape(directory.Report));
        table.AddRow("chat", Markup.Escape($"tulu2 chat --model {directory.FinalExport}"));
        terminal.Human.Write(table);
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(result));
    }
}
