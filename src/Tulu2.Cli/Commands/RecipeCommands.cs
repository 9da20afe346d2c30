using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Runs.Output;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Commands;

/// <summary><c>recipe keys</c> and <c>recipe schema</c>: the keys of a recipe, for people and for editors.</summary>
internal sealed class RecipeCommands(Terminal terminal)
{
    public Command Create() => CommandBuilder.Group("recipe", "The keys of a recipe",
        CommandBuilder.Command("keys", "Every key: type, default, meaning, and its name in other trainers", [], _ => Print(RecipeReference.Markdown())),
        CommandBuilder.Command("schema", "The same as a JSON schema for editors", [], _ => Print(RecipeReference.Schema())));

    private int Print(string text)
    {
        terminal.Output.Write(text);
        return ExitCode.Done;
    }
}
