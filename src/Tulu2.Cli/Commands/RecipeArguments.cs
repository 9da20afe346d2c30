using System.CommandLine;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Cli.Commands;

/// <summary>The arguments of every command that reads a recipe: <c>RECIPE [key=value …]</c>, and <c>--set key=value</c>.</summary>
internal sealed class RecipeArguments(string description = "YAML file; recipes/ holds examples")
{
    private readonly Argument<string> _recipe = CommandBuilder.Argument("RECIPE", description);
    private readonly Argument<string[]> _over = new("key=value") { Description = "Overrides a key of the recipe", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string[]> _set = CommandBuilder.Repeated("--set", "The same as key=value, for use before the recipe");

    public Symbol[] Symbols => [_recipe, _over, _set];

    public string Path(ParseResult parsed) => parsed.GetValue(_recipe)!;

    public string[] Given(ParseResult parsed) => [.. parsed.GetValue(_set) ?? [], .. parsed.GetValue(_over) ?? []];

    /// <exception cref="Files.BadInputException">See <see cref="RecipeReader.Load"/>.</exception>
    public LoadedRecipe Load(ParseResult parsed) => RecipeReader.Load(Path(parsed), Given(parsed));
}
