using System.Text;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Ledger;
using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.RunFiles;

/// <summary>What a run remembers of its recipe, in <c>recipe.yaml</c> and in every manifest.</summary>
/// <param name="Recipe">Effective, with every change.</param>
/// <param name="Hash">Of all that decides the bits.</param>
/// <param name="Changes">In the middle of the run, in order.</param>
internal sealed record RunRecipe(Recipe Recipe, string Hash, IReadOnlyList<RecipeChange> Changes)
{
    private const string SumLine = "# sha256 of what follows: ";
    private const string HashLine = "# hash of what decides the bits: ";
    private const string ChangeLine = "# changed ";

    /// <summary>The recipe as a file: YAML, with what else is to be known as comments before it.</summary>
    public string Text
    {
        get
        {
            var text = new StringBuilder($"{HashLine}{Hash}\n");
            foreach (var change in Changes) text.Append($"{ChangeLine}{change.Text}\n");
            text.Append(RecipeWriter.Write(Recipe));
            return $"{SumLine}{SumOf($"{text}")}\n{text}";
        }
    }

    public void Write(RunDirectory directory) => AtomicFile.WriteAllText(directory.Recipe, Text);

    /// <summary>Reads the file of a run; where it is lost or damaged, what the newest manifest has of it, with the changes that the ledger knows besides.</summary>
    /// <param name="say">Hears of what is lost, and where it was found again.</param>
    /// <returns>Null: nobody has it, as in runs of older versions.</returns>
    public static RunRecipe? Read(RunDirectory directory, CheckpointStore store, Action<string> say)
    {
        string fault;
        try
        {
            if (File.Exists(directory.Recipe)) return Parse(directory.Recipe, File.ReadAllText(directory.Recipe));
            fault = $"{directory.Recipe} is missing";
        }
        catch (BadInputException damaged)
        {
            fault = $"{damaged.Message}; the damaged file is {SetAside.Copy(directory.Recipe)}";
        }
        foreach (var path in store.Manifests().Reverse())
        {
            try
            {
                if (store.Read(path).Recipe is not { } text) continue;
                var recipe = Parse(path, text).With(LedgerReader.ReadSound(directory.Ledger));
                say($"{fault}; its content is taken from {path}");
                return recipe;
            }
            catch (BadInputException)
            {
                // An older one may have it.
            }
        }
        say($"{fault}, and no checkpoint has its content; the recipe that is given takes its place where it has the same hash");
        return null;
    }

    /// <exception cref="BadInputException">Not the text of a run's recipe, or it was altered.</exception>
    public static RunRecipe Parse(string place, string text)
    {
        if (text.StartsWith(SumLine, StringComparison.Ordinal))
        {
            var end = text.IndexOf('\n') is var at && at < 0 ? text.Length : at;
            if (text[SumLine.Length..end] != SumOf(text[Math.Min(text.Length, end + 1)..]))
                throw new BadInputException(place, "was altered: its checksum is wrong", "leave a run's recipe.yaml as it is; --change changes it in order");
        }
        var hash = "";
        var changes = new List<RecipeChange>();
        foreach (var line in text.Split('\n').TakeWhile(line => line.StartsWith('#')))
        {
            if (line.StartsWith(HashLine, StringComparison.Ordinal)) hash = line[HashLine.Length..];
            else if (line.StartsWith(ChangeLine, StringComparison.Ordinal))
                changes.Add(RecipeChange.Parse(line[ChangeLine.Length..])
                    ?? throw new BadInputException(place, $"has a change that cannot be read: {line}", "restore the file from a copy"));
        }
        if (hash == "") throw new BadInputException(place, "does not say what decides the run's bits", "restore the file from a copy");
        return new RunRecipe(RecipeReader.LoadText(place, text).Recipe, hash, changes);
    }

    /// <exception cref="BadInputException">The run has another recipe than the one it is to go on with.</exception>
    /// <param name="command">The command without what makes it go on; null: none can be named.</param>
    public void CheckSame(RunDirectory directory, Recipe recipe, string hash, string? command)
    {
        if (hash == Hash) return;
        var differences = RecipeHash.Differences(Recipe, recipe);
        throw new BadInputException(directory.Recipe,
            differences.Count > 0
                ? $"the run was started with other values of {string.Join(", ", differences)}"
                : OtherFiles(Recipe.Data.Train, recipe.Data.Train) ?? "the run was started with other data, another tokenizer or other initial weights",
            command is not null && RecipeChanges.Flags(Recipe, recipe) is { Count: > 0 } flags
                ? $"`{command} --resume {string.Join(' ', flags)}` changes it from here on; or resume with the recipe it was started with"
                : "resume with the recipe and the files it was started with, or start a new run in another --run directory");
    }

    // A change that was written down before the next checkpoint was.
    private RunRecipe With(IReadOnlyList<LedgerEntry> ledger)
    {
        var known = ledger.Select(entry => entry.Event).Reverse().TakeWhile(what => what is not LedgerEvent.RunStarted).OfType<LedgerEvent.RecipeChanged>().Reverse();
        return known.Skip(Changes.Count).Aggregate(this, (recipe, changed) => RecipeChange.Of(changed.After, changed.Keys) is { } change
            ? new RunRecipe(RecipeChanges.After(recipe.Recipe, change), changed.RecipeHash, [.. recipe.Changes, change])
            : recipe);
    }

    // A pattern may stand for other files than it did when the run began.
    private static string? OtherFiles(IReadOnlyList<string> before, IReadOnlyList<string> now)
    {
        var (old, files) = (before.Select(Path.GetFileName).ToList(), now.Select(Path.GetFileName).ToList());
        if (old.SequenceEqual(files)) return null;
        var (more, less) = (files.Except(old).ToList(), old.Except(files).ToList());
        return "the run was started with other data: data.train stands for other files now"
            + (more.Count > 0 ? $", with {string.Join(", ", more)}" : "") + (less.Count > 0 ? $", without {string.Join(", ", less)}" : "");
    }

    private static string SumOf(string text) => ContentHash.Of(Encoding.UTF8.GetBytes(text));
}
