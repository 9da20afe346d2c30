using Tulu2.Files;
using Tulu2.Hub.Fetching;
using Tulu2.Hub.References;
using Tulu2.Hub.Selection;
using Tulu2.Hub.Settings;
using Tulu2.Runs.Output;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Preparation;

/// <summary>Fetches what a recipe names on a hub (<c>hf://</c>, docs/hub.md), where it is not in the cache.</summary>
internal sealed class HubSources
{
    private const string ModelKey = "model.path", TokenizerKey = "model.tokenizer", DataKey = "data.train", ValidationKey = "validation.data";

    private readonly Dictionary<string, string> _commits = [], _names = [];
    private readonly LoadedRecipe _loaded;
    private readonly IReadOnlyDictionary<string, string> _known;
    private readonly Action<ProgressSnapshot> _report;
    private readonly Action<string> _say;
    private readonly HubFetcher _fetcher;

    private HubSources(LoadedRecipe loaded, IReadOnlyDictionary<string, string> known, HubFetcher fetcher, Action<ProgressSnapshot> report,
        Action<string> say) =>
        (_loaded, _known, _fetcher, _report, _say) = (loaded, known, fetcher, report, say);

    /// <summary>Fetches model, tokenizer and data.</summary>
    /// <param name="commits">Commits that a run has begun with, by name; they are used again, whatever a branch has now.</param>
    /// <param name="say">Takes what the user should know.</param>
    /// <param name="model">Which files of the model's repository are needed; null: all that training reads.</param>
    /// <exception cref="BadInputException">What the user can mend; names the line or the argument.</exception>
    /// <exception cref="Tulu2.Hub.HubException">The hub or the network does not do its part.</exception>
    public static async Task<FetchedRecipe> FetchAsync(LoadedRecipe loaded, IReadOnlyDictionary<string, string>? commits, Action<ProgressSnapshot> report,
        Action<string> say, CancellationToken cancellation, Func<string, IReadOnlyList<string>, IReadOnlyList<string>>? model = null, bool withData = true)
    {
        if (!IsNamed(loaded.Recipe, withData)) return new FetchedRecipe(loaded, HubNames.None);
        using var fetcher = new HubFetcher(HubSettings.OfProcess(), new FetchOptions(), say);
        return await new HubSources(loaded, commits ?? new Dictionary<string, string>(), fetcher, report, say).RunAsync(model ?? ModelFiles.Whole, withData,
            cancellation);
    }

    /// <summary>Fetches the model alone, without its weights where these are not needed.</summary>
    public static Task<FetchedRecipe> FetchModelAsync(LoadedRecipe loaded, IReadOnlyDictionary<string, string>? commits,
        Func<string, IReadOnlyList<string>, IReadOnlyList<string>> model, Action<string> say, CancellationToken cancellation) =>
        FetchAsync(loaded, commits, _ => { }, say, cancellation, model, withData: false);

    private static bool IsNamed(Recipe recipe, bool withData) =>
        HubUri.Is(recipe.Model.Path) || HubUri.Is(recipe.Model.Tokenizer) || withData && recipe.Data.Train.Concat(recipe.Validation.Data).Any(source => source.Files.Any(HubUri.Is));

    // The data first: they are small beside a model, and more often mistaken.
    private async Task<FetchedRecipe> RunAsync(Func<string, IReadOnlyList<string>, IReadOnlyList<string>> model, bool withData, CancellationToken cancellation)
    {
        var recipe = _loaded.Recipe;
        var training = withData ? await SourcesAsync(DataKey, recipe.Data.Train, cancellation) : recipe.Data.Train;
        var validation = withData ? await SourcesAsync(ValidationKey, recipe.Validation.Data, cancellation) : recipe.Validation.Data;
        var tokenizer = await DirectoryAsync(TokenizerKey, recipe.Model.Tokenizer, ModelFiles.Tokenizer, cancellation);
        var path = await DirectoryAsync(ModelKey, recipe.Model.Path, model, cancellation);
        return new FetchedRecipe(_loaded.With(recipe with
        {
            Model = recipe.Model with { Path = path, Tokenizer = tokenizer },
            Data = recipe.Data with { Train = training },
            Validation = recipe.Validation with { Data = validation },
        }), new HubNames(_commits, _names));
    }

    private async Task<string?> DirectoryAsync(string key, string? path, Func<string, IReadOnlyList<string>, IReadOnlyList<string>> select,
        CancellationToken cancellation)
    {
        if (!HubUri.Is(path)) return path;
        var reference = Parse(key, path!, RepositoryKind.Model);
        if (reference.Path != "")
            throw _loaded.Fault(key, $"{path}: a model is a whole repository, and {reference.Path} is a path in it",
                $"write {reference.RepositoryText}; a slash in a revision is written %2F");
        var result = await FetchAsync(key, reference, names => select(reference.RepositoryText, names), cancellation);
        _names[result.Directory] = path!;
        return result.Directory;
    }

    private async Task<IReadOnlyList<DataSourceRecipe>> SourcesAsync(string key, IReadOnlyList<DataSourceRecipe> named, CancellationToken cancellation)
    {
        var sources = new List<DataSourceRecipe>();
        foreach (var source in named)
        {
            var files = new List<string>();
            foreach (var file in source.Files) files.AddRange(HubUri.Is(file) ? await RowsAsync(key, file, cancellation) : [file]);
            sources.Add(source with { Files = files });
        }
        return sources;
    }

    private async Task<IEnumerable<string>> RowsAsync(string key, string name, CancellationToken cancellation)
    {
        var reference = Parse(key, name, RepositoryKind.Dataset);
        var result = await FetchAsync(key, reference, names => RowFiles.At(reference, names), cancellation);
        foreach (var file in result.Files) _names[result.PathOf(file)] = reference.TextOf(file);
        return result.Files.Select(result.PathOf);
    }

    private async Task<FetchResult> FetchAsync(string key, HubReference reference, Func<IReadOnlyList<string>, IReadOnlyList<string>> select,
        CancellationToken cancellation)
    {
        var name = reference.RepositoryText;
        // Model and tokenizer, or two files of data, are of one commit also where the branch moves between them.
        var commit = _commits.GetValueOrDefault(name) ?? _known.GetValueOrDefault(name);
        if (commit is not null && !_commits.ContainsKey(name)) _say($"{name}: commit {commit}, with which the run began");
        try
        {
            var result = await _fetcher.FetchAsync(new FetchRequest(reference, select) { Commit = commit }, HubProgress.Of(name, _report), cancellation);
            _commits[name] = result.Commit;
            return result;
        }
        catch (BadInputException fault)
        {
            throw _loaded.Fault(key, $"{fault.Where}: {fault.What}", fault.Fix);
        }
    }

    private HubReference Parse(string key, string text, RepositoryKind kind)
    {
        try
        {
            var reference = HubReference.ParseUri(text);
            if (reference.Kind == kind) return reference;
            throw kind == RepositoryKind.Model ? new BadInputException(text, "is a data set, not a model", "write hf://ORG/NAME")
                : new BadInputException(text, "is a model, not a data set", "write hf://datasets/ORG/NAME");
        }
        catch (BadInputException fault)
        {
            throw _loaded.Fault(key, $"{fault.Where}: {fault.What}", fault.Fix);
        }
    }
}
