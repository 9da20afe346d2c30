using Tulu2.Files;
using Tulu2.Training.Objectives;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>Reads a recipe file and the <c>key=value</c> arguments over it. Strict: what it does not know or cannot use is an error, never skipped.</summary>
public static class RecipeReader
{
    // One of a pair excludes the other; a flag that gives one replaces the file's other.
    private static readonly (string One, string Other)[] Exclusive = [("epochs", "steps"), ("model.path", "model.preset")];

    /// <param name="path">The YAML file; relative paths inside it are taken from its folder.</param>
    /// <param name="overrides"><c>key=value</c> arguments; relative paths inside them are taken from the current directory.</param>
    /// <param name="kept">A copy of the file as it was earlier, which is read in its place; null, or not there: the file is.</param>
    /// <exception cref="BadInputException">Anything unknown, of a wrong type, out of range or contradictory; names the line or the argument.</exception>
    public static LoadedRecipe Load(string path, IReadOnlyList<string> overrides, string? kept = null)
    {
        string text;
        try
        {
            var source = File.Exists(kept) ? kept : path;
            if (File.Exists(source) && FileLength.Of(source) > 0) ForeignContent.Refuse(source, FileUse.Yaml);
            text = File.ReadAllText(source);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            var what = Directory.Exists(path) ? "is a directory, not a recipe file" : File.Exists(path) ? "cannot be read" : "there is no such recipe";
            throw new BadInputException(path, what, "name a YAML file; `recipes/` holds examples", error);
        }
        var loaded = Parse(path, text, Path.GetDirectoryName(Path.GetFullPath(path))!, overrides, Directory.GetCurrentDirectory());
        RecipeRules.Check(loaded.Recipe, loaded.Fault);
        return loaded;
    }

    /// <summary>Reads a recipe whose text is at hand, such as the one that a run keeps; its paths are absolute.</summary>
    /// <param name="place">Names where the text is from.</param>
    /// <exception cref="BadInputException">As <see cref="Load"/>.</exception>
    public static LoadedRecipe LoadText(string place, string text)
    {
        var loaded = Parse(place, text, Path.DirectorySeparatorChar.ToString(), [], Directory.GetCurrentDirectory());
        RecipeRules.Check(loaded.Recipe, loaded.Fault);
        return loaded;
    }

    /// <summary>Reads without the rules of range and sense, so that every key can be set one at a time.</summary>
    internal static LoadedRecipe Parse(string file, string text, string fileDirectory, IReadOnlyList<string> overrides, string currentDirectory)
    {
        var source = new RecipeSource(file);
        var fromFile = new RecipeBinder(fileDirectory, node => $"{file}:{node.Start.Line}", (key, node) => source.AtLine(key, node.Start.Line));
        var root = ParseFile(file, text);
        fromFile.Bind("", root, root);
        RefuseBoth(fromFile, source);

        // What the flags say is first gathered by itself, so that a pair is refused only if both came from flags.
        var argument = "";
        var fromFlags = new RecipeBinder(currentDirectory, _ => argument, (key, _) => source.AtArgument(key, argument));
        foreach (var next in overrides)
        {
            argument = next;
            BindFlag(fromFlags, "", argument);
        }
        RefuseBoth(fromFlags, source);
        foreach (var (one, other) in Exclusive)
        {
            if (fromFlags.Gives(one)) Clear(fromFile, source, other);
            if (fromFlags.Gives(other)) Clear(fromFile, source, one);
        }

        var recipe = new Recipe();
        foreach (var (key, value) in fromFile.Values.Concat(fromFlags.Values)) key.Write(recipe, value);
        // Filled in here, so that a recipe that names neither still shows what it will do.
        if (recipe is { Epochs: null, Steps: null }) recipe = recipe with { Epochs = ObjectiveCatalog.Of(recipe.Objective).DefaultEpochs };
        return new LoadedRecipe(recipe, source);
    }

    /// <summary>Reads one <c>key=value</c>.</summary>
    /// <param name="flag">What stands before it on the command line, with the space between.</param>
    internal static void BindFlag(RecipeBinder binder, string flag, string argument)
    {
        var equals = argument.IndexOf('=');
        if (equals <= 0) throw new BadInputException($"{flag}{argument}", "is not of the form key=value", $"write, say, {flag}optimizer.learning_rate=1e-5");
        var name = argument[..equals].Trim();
        var value = ParseFlag(name, flag, argument, argument[(equals + 1)..]);
        binder.Bind(name, value, value);
    }

    private static YamlNode ParseFlag(string name, string flag, string argument, string value)
    {
        try
        {
            return RecipeValue.ParseFlag(RecipeKey.Find(name), value);
        }
        catch (YamlException error)
        {
            throw new BadInputException($"{flag}{argument}", "the value is not YAML", "quote it, or write lists as [a, b]", error);
        }
    }

    private static YamlNode ParseFile(string file, string text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException error)
        {
            throw new BadInputException($"{file}:{error.Start.Line}", $"is not YAML from column {error.Start.Column} on{Quoted(text, error.Start.Line)}",
                error is AnchorNotFoundException ? "quote a pattern that begins with *, since a bare * names an anchor of YAML"
                    : "correct the line or the one before it: close what is open, let a key stand only once, and indent with spaces, not tabs", error);
        }
        return stream.Documents.Count switch
        {
            0 => new YamlMappingNode(),
            1 => stream.Documents[0].RootNode,
            _ => throw new BadInputException($"{file}:{stream.Documents[1].RootNode.Start.Line}", "holds a second document", "keep one recipe a file"),
        };
    }

    private static string Quoted(string text, long line) =>
        text.Split('\n').ElementAtOrDefault((int)line - 1)?.Trim() is { Length: > 0 and < 120 } there ? $": {there}" : "";

    private static void RefuseBoth(RecipeBinder binder, RecipeSource source)
    {
        foreach (var (one, other) in Exclusive)
            if (binder.Gives(one) && binder.Gives(other))
                throw source.Fault(other, $"both {one} and {other} are given", "keep one of them");
    }

    private static void Clear(RecipeBinder binder, RecipeSource source, string name)
    {
        if (!binder.Gives(name)) return;
        binder.Values.Remove(RecipeKey.Find(name)!);
        source.Forget(name);
    }
}
