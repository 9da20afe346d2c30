using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Store;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Preparation;

/// <summary>Opens the tokens of row files, from the cache or tokenised now, and says what was left out.</summary>
internal static class RowTokens
{
    /// <param name="key">The recipe's key that names the files.</param>
    /// <exception cref="BadInputException">A file that cannot be read, rows that stop a run, no usable row.</exception>
    public static TokenStore Open(LoadedRecipe loaded, string key, IReadOnlyList<DataFile> files, ModelSource model, string cacheDirectory,
        Action<ProgressSnapshot> report, Action<string> say)
    {
        var data = loaded.Recipe.Data;
        foreach (var file in files)
            if (ForeignPath.AsRows(file.Path) is var (what, fix)) throw loaded.Fault(key, what, fix);
        var wanted = ObjectiveCatalog.Of(loaded.Recipe.Objective).Rows;
        var looks = files.Select(file => (File: file, Look: RowFormats.Look(file, wanted))).ToList();
        foreach (var (file, look) in looks)
            if (!look.CanBeRead)
                throw loaded.Fault(key, $"{file.Path} holds {RowKinds.Name(RowKinds.Find(file)!.Value)}, but the objective trains on {RowKinds.Name(wanted)}",
                    $"set objective: {string.Join(" or ", ObjectiveCatalog.All.Where(other => RowKinds.CanBeReadAs(file, other.Rows)).Select(other => other.Name))}, "
                    + $"or name a file of {RowKinds.Name(wanted)}");
        if (RowFormats.Found([.. looks.Select(file => (file.File, file.Look.Form))]) is { } found) say(found);
        var request = new TokenStoreRequest(
            Path.Combine(cacheDirectory, "tokens"), files, new ChatEncoder(ChatTokenizer.Of(model.Tokenizer), data.Chat, data.MaxLength),
            wanted, Environment.ProcessorCount);
        var store = TokenStore.Open(request, new StoreProgressReport(report));
        try
        {
            Say(store, say);
            store.Report.ThrowIfUnusable(data.BadRows == BadRows.Stop, data.BadFiles == BadFiles.Stop, key);
            if (model.Tokenizer.VocabularySize > model.Config.VocabularySize) RefuseUnknownIds(store, model);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>The rows that were left out of a store, one line each.</summary>
    public static IEnumerable<string> LeftOut(TokenStore store) => store.Report.All.Select(RowFaultLines.Line);

    // The store depends on the tokenizer alone, and does not know the model.
    private static void RefuseUnknownIds(TokenStore store, ModelSource model)
    {
        for (var sequence = 0; sequence < store.Sequences; sequence++)
            foreach (var id in store.Ids(sequence))
                if (id >= model.Config.VocabularySize)
                    throw new BadInputException($"{store.Location(sequence / (store.Sequences / store.Items))}",
                        $"has the token '{model.Tokenizer.PieceOf(id)}' (id {id}), but the model has only {model.Config.VocabularySize} ids",
                        "remove the row, or use a model whose embedding has this id");
    }

    private static void Say(TokenStore store, Action<string> say)
    {
        var report = store.Report;
        say($"{report.Used:N0} of {NumberText.Count(report.Rows, "row")}, {NumberText.Count(report.Tokens, "token")} of which {report.LossTokens:N0} are scored, "
            + $"{NumberText.Count(report.TruncatedRows, "row")} cut" + (store.Built ? "" : " (from the cache)"));
        foreach (var damage in report.DamagedFiles) say($"damaged file: {RowFaultLines.Line(damage)}");
        foreach (var line in RowFaultLines.Of(report.Faults, "left out: ", "left-out.txt in the run directory lists them all")) say(line);
    }
}
