using System.Text;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Ledger;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.RunFiles;

/// <summary>The recipe of a run, as <c>recipe.yaml</c> and every manifest store it.</summary>
/// <param name="Recipe">Effective recipe, with every change.</param>
/// <param name="Hash">Hash of everything that decides the bits.</param>
/// <param name="Changes">Changes during the run, in order.</param>
internal sealed record RunRecipe(Recipe Recipe, string Hash, IReadOnlyList<RecipeChange> Changes)
{
    private const string SumLine = "# sha256 of what follows: ";
    private const string HashLine = "# hash of what decides the bits: ";
    private const string ChangeLine = "# changed ";
    private const string CommitLine = "# fetched ";
    private const string CommitWord = " at commit ";

    /// <summary>Commits of the repositories on a hub that the recipe names, by their <c>hf://</c> names without a path: a resumed run has the same.</summary>
    public IReadOnlyDictionary<string, string> Commits { get; init; } = new Dictionary<string, string>();

    /// <summary>The recipe as a file: YAML, preceded by checksum, hash and changes as comments.</summary>
    public string Text
    {
        get
        {
            var text = new StringBuilder($"{HashLine}{Hash}\n");
            foreach (var change in Changes) text.Append($"{ChangeLine}{change.Text}\n");
            foreach (var (name, commit) in Commits.OrderBy(pair => pair.Key, StringComparer.Ordinal)) text.Append($"{CommitLine}{name}{CommitWord}{commit}\n");
            text.Append(RecipeWriter.Write(Recipe));
            return $"{SumLine}{SumOf($"{text}")}\n{text}";
        }
    }

    public void Write(RunDirectory directory) => AtomicFile.WriteAllText(directory.Recipe, Text);

    /// <summary>The recipe in the run's own file; null: it is missing or damaged.</summary>
    public static RunRecipe? OfFile(RunDirectory directory)
    {
        try
        {
            return File.Exists(directory.Recipe) ? Parse(directory.Recipe, File.ReadAllText(directory.Recipe)) : null;
        }
        catch (BadInputException)
        {
            return null;
        }
    }

    /// <summary>Reads the recipe of a run from its file; if that is lost or damaged, from the newest manifest and the later changes in the ledger.</summary>
    /// <param name="say">Takes a line about a lost file and its replacement.</param>
    /// <returns>Null: neither has it, as in runs of older versions.</returns>
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

    /// <exception cref="BadInputException">Not the text of a run's recipe, or it was edited.</exception>
    public static RunRecipe Parse(string location, string text)
    {
        if (text.StartsWith(SumLine, StringComparison.Ordinal))
        {
            var end = text.IndexOf('\n') is var at && at < 0 ? text.Length : at;
            if (text[SumLine.Length..end] != SumOf(text[Math.Min(text.Length, end + 1)..]))
                throw new BadInputException(location, "was edited: its checksum is wrong", "restore the file, and use --change to change the recipe of a run");
        }
        var hash = "";
        var changes = new List<RecipeChange>();
        var commits = new Dictionary<string, string>();
        foreach (var line in text.Split('\n').TakeWhile(line => line.StartsWith('#')))
        {
            if (line.StartsWith(HashLine, StringComparison.Ordinal)) hash = line[HashLine.Length..];
            else if (line.StartsWith(ChangeLine, StringComparison.Ordinal))
                changes.Add(RecipeChange.Parse(line[ChangeLine.Length..])
                    ?? throw new BadInputException(location, $"has a change that cannot be read: {line}", "restore the file from a copy"));
            else if (line.StartsWith(CommitLine, StringComparison.Ordinal) && line[CommitLine.Length..].Split(CommitWord) is [var name, var commit])
                commits[name] = commit;
        }
        if (hash == "") throw new BadInputException(location, "lacks the hash of what decides the run's bits", "restore the file from a copy");
        return new RunRecipe(RecipeReader.LoadText(location, text).Recipe, hash, changes) { Commits = commits };
    }

    /// <exception cref="BadInputException">The run has another recipe than the one given.</exception>
    /// <param name="command">The command that started the run, without --resume; null: none can be named.</param>
    public void CheckSame(RunDirectory directory, Recipe recipe, string hash, string? command)
    {
        if (hash == Hash) return;
        var differences = RecipeHash.Differences(Recipe, recipe);
        throw new BadInputException(directory.Recipe,
            differences.Count > 0
                ? $"the run was started with other values of {string.Join(", ", differences)}"
                : OtherFiles("data.train", Recipe.Data.Files, recipe.Data.Files)
                    ?? OtherFiles("validation.data", Recipe.Data.FilesOf(Recipe.Validation.Data), recipe.Data.FilesOf(recipe.Validation.Data))
                    ?? "the run was started with other data, another tokenizer or other initial weights",
            command is not null && RecipeChanges.Flags(Recipe, recipe) is { Count: > 0 } flags
                ? $"`{command} --resume {string.Join(' ', flags)}` changes it from here on; or resume with the recipe it was started with"
                : "resume with the recipe and the files it was started with, or start a new run in another --run directory");
    }

    // Changes that the ledger has and no checkpoint has yet.
    private RunRecipe With(IReadOnlyList<LedgerEntry> ledger)
    {
        var known = ledger.Select(entry => entry.Event).Reverse().TakeWhile(what => what is not LedgerEvent.RunStarted).OfType<LedgerEvent.RecipeChanged>().Reverse();
        return known.Skip(Changes.Count).Aggregate(this, (recipe, changed) => RecipeChange.Of(changed.After, changed.Keys) is { } change
            ? recipe with { Recipe = RecipeChanges.After(recipe.Recipe, change), Hash = changed.RecipeHash, Changes = [.. recipe.Changes, change] }
            : recipe);
    }

    // A pattern may match other files than when the run started.
    private static string? OtherFiles(string key, IReadOnlyList<DataFile> before, IReadOnlyList<DataFile> now)
    {
        var (old, files) = (before.Select(file => Path.GetFileName(file.Path)).ToList(), now.Select(file => Path.GetFileName(file.Path)).ToList());
        if (old.SequenceEqual(files)) return null;
        var (more, less) = (files.Except(old).ToList(), old.Except(files).ToList());
        return $"the run was started with other data: {key} now matches other files"
            + (more.Count > 0 ? $", with {string.Join(", ", more)}" : "") + (less.Count > 0 ? $", without {string.Join(", ", less)}" : "");
    }

    private static string SumOf(string text) => ContentHash.Of(Encoding.UTF8.GetBytes(text));
}
