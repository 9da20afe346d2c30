using System.Globalization;
using Tulu2.Data.Rows;
using Tulu2.Data.Slots;
using Tulu2.Data.Store;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Preparation;

/// <summary>The rows (or pairs) that a run validates on.</summary>
/// <param name="Tokens">Their sequences.</param>
/// <param name="Location">File and line of each.</param>
/// <param name="ContentKey">Names their content.</param>
/// <param name="Owned">Their files, freed with the set; null: the tokens belong to the training data.</param>
internal sealed record ValidationSet(ITokenSource Tokens, Func<int, RowLocation> Location, string ContentKey, TokenStore? Owned) : IDisposable
{
    private const int MostNamed = 5;

    /// <summary>Takes the recipe's share out of the training data, or opens its validation files.</summary>
    /// <param name="data">The training data.</param>
    /// <returns>The set, and what is left to train on.</returns>
    /// <exception cref="BadInputException">Files that cannot be used; a share without a row, or with all.</exception>
    public static (ValidationSet Set, TrainingData Training) Open(LoadedRecipe loaded, TrainingData data, ModelSource model, string cacheDirectory,
        Action<ProgressSnapshot> report, Action<string> say)
    {
        if (loaded.Recipe.Validation.Share > 0) return TakeShare(loaded, data, say);
        say("validation data:");
        var sources = loaded.Recipe.Validation.Data;
        var store = RowTokens.Open(loaded, "validation.data", loaded.Recipe.Data.FilesOf(sources), model, cacheDirectory, report, say);
        var set = Of(store, Limited(store, sources), store);
        NameCommon(loaded.Recipe, set, data, say);
        return (set, data);
    }

    /// <summary>The rows of the set's own files that were left out, one line each.</summary>
    public IEnumerable<string> LeftOut() => Owned is null ? [] : RowTokens.LeftOut(Owned);

    public void Dispose() => Owned?.Dispose();

    private static ValidationSet Of(TokenStore store, int[] items, TokenStore? owned) =>
        new(new SelectedTokens(store, items, store.SequencesPerItem), item => store.Location(items[item]), TrainingData.KeyOf(store, items), owned);

    private static (ValidationSet, TrainingData) TakeShare(LoadedRecipe loaded, TrainingData data, Action<string> say)
    {
        var (store, share) = (data.Store, loaded.Recipe.Validation.Share);
        var hashes = ContentSplit.Hashes(store, store.SequencesPerItem);
        // A row beyond its source's limit is on neither side.
        var used = Limited(store, loaded.Recipe.Data.Train);
        int[] taken = [.. used.Where(item => ContentSplit.IsIn(hashes[item], share))];
        int[] trained = [.. used.Where(item => !ContentSplit.IsIn(hashes[item], share))];
        var all = NumberText.Count(used.Length, ObjectiveCatalog.Of(loaded.Recipe.Objective).ItemName);
        var part = string.Create(CultureInfo.InvariantCulture, $"{share} of {all}");
        if (taken.Length == 0) throw loaded.Fault("validation.share", $"{part} takes none of them", "use a larger share, or name files as validation.data");
        if (trained.Length == 0) throw loaded.Fault("validation.share", $"{part} leaves none to train on", "use a smaller share");
        say($"validation: {taken.Length:N0} of {all}, which are not trained on");
        return (Of(store, taken, null), data.Only(trained));
    }

    // The first rows of each source, as many as its limit.
    private static int[] Limited(TokenStore store, IReadOnlyList<DataSourceRecipe> sources)
    {
        var items = new List<int>();
        var first = 0;
        foreach (var (source, count) in sources.Zip(TrainingData.Counts(sources, store.Items, store.FileOf)))
        {
            items.AddRange(Enumerable.Range(first, Math.Min(count, source.Limit ?? count)));
            first += count;
        }
        return [.. items];
    }

    // A model that has learnt a row tells nothing by it.
    private static void NameCommon(Recipe recipe, ValidationSet set, TrainingData data, Action<string> say)
    {
        var objective = ObjectiveCatalog.Of(recipe.Objective);
        var trained = new Dictionary<UInt128, int>();
        foreach (var (item, hash) in ContentSplit.Hashes(data.Tokens, objective.SequencesPerItem).Index()) trained.TryAdd(hash, item);
        var common = ContentSplit.Hashes(set.Tokens, objective.SequencesPerItem).Index().Where(item => trained.ContainsKey(item.Item)).ToList();
        if (common.Count == 0) return;
        say($"warning: {NumberText.Count(common.Count, $"{objective.ItemName} of the validation data is", $"{objective.ItemName}s of the validation data are")} in the training data too");
        foreach (var (item, hash) in common.Take(MostNamed)) say($"  {set.Location(item)} is {data.Location(trained[hash])}");
        if (common.Count > MostNamed) say($"  and {common.Count - MostNamed:N0} more");
    }
}
