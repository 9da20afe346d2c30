using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Slots;
using Tulu2.Data.Statistics;
using Tulu2.Data.Store;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Preparation;

/// <summary>The tokens that a recipe trains on, from the cache or tokenised now, and the rows that were left out.</summary>
internal sealed class TrainingData(TokenStore tokens) : IDisposable
{
    public TokenStore Tokens { get; } = tokens;

    /// <summary>Content key of ids, masks, template and maximum length.</summary>
    public string ContentKey => Tokens.Key;

    /// <summary>The sources of a recipe, with the files that their patterns match.</summary>
    /// <exception cref="BadInputException">A pattern matches no file.</exception>
    public static IReadOnlyList<DataSourceRecipe> Sources(LoadedRecipe loaded)
    {
        try
        {
            return [.. loaded.Recipe.Data.Train.Select(source => source with { Files = [.. source.Files.SelectMany(FilePatterns.ExpandRows)] })];
        }
        catch (BadInputException pattern)
        {
            throw loaded.Fault("data.train", $"{pattern.Where}: {pattern.What}", pattern.Fix);
        }
    }

    /// <exception cref="BadInputException">A file that cannot be read, rows that stop a run, no usable row.</exception>
    public static TrainingData Open(LoadedRecipe loaded, ModelSource model, string cacheDirectory, Action<ProgressSnapshot> report, Action<string> say)
    {
        var data = loaded.Recipe.Data;
        var files = data.Files;
        foreach (var file in files)
            if (ForeignPath.AsRows(file.Path) is var (what, fix)) throw loaded.Fault("data.train", what, fix);
        var wanted = ObjectiveCatalog.Of(loaded.Recipe.Objective).Rows;
        var looks = files.Select(file => (File: file, Look: RowFormats.Look(file, wanted))).ToList();
        foreach (var (file, look) in looks)
            if (!look.CanBeRead)
                throw loaded.Fault("data.train", $"{file.Path} holds {RowKinds.Name(wanted == RowKind.Preferences ? RowKind.Messages : RowKind.Preferences)}, but the objective trains on {RowKinds.Name(wanted)}",
                    $"set objective: {string.Join(" or ", ObjectiveCatalog.All.Where(other => other.Rows != wanted).Select(other => other.Name))}, or name a file of {RowKinds.Name(wanted)}");
        if (RowFormats.Found([.. looks.Select(file => (file.File, file.Look.Form))]) is { } found) say(found);
        var request = new TokenStoreRequest(
            Path.Combine(cacheDirectory, "tokens"), files, new ChatEncoder(ChatTokenizer.Of(model.Tokenizer), data.Chat, data.MaxLength),
            wanted, Environment.ProcessorCount);
        var store = TokenStore.Open(request, new StoreProgressReport(report));
        try
        {
            Say(store, say);
            store.Report.ThrowIfUnusable(data.BadRows == BadRows.Stop, data.BadFiles == BadFiles.Stop);
            if (model.Tokenizer.VocabularySize > model.Config.VocabularySize) RefuseUnknownIds(store, model);
            return new TrainingData(store);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>What an epoch passes of each source; empty: every row (or pair) once.</summary>
    public IReadOnlyList<EpochShare> Shares(DataRecipe data)
    {
        if (data.Train.All(source => source is { Weight: null, Sample: null, Limit: null })) return [];
        var itemsOfFile = Enumerable.Range(0, Tokens.Items).CountBy(Tokens.FileOf).ToDictionary();
        var shares = new List<EpochShare>();
        int first = 0, file = 0;
        foreach (var source in data.Train)
        {
            var items = source.Files.Sum(_ => itemsOfFile.GetValueOrDefault(file++));
            var count = Math.Min(items, source.Limit ?? items);
            if (count > 0) shares.Add(source.Sample is { } sample ? new EpochShare(first, count, sample) : EpochShare.Weighted(first, count, source.Weight ?? 1));
            first += items;
        }
        return shares;
    }

    /// <summary>The rows that were left out, one line each.</summary>
    public IEnumerable<string> LeftOut() => Tokens.Report.DamagedFiles.Concat(Tokens.Report.Faults).Select(RowFaultLines.Line);

    /// <summary>Histogram of the sequence lengths.</summary>
    public IReadOnlyList<LengthBin> Lengths() =>
        [.. LengthHistogram.Of([.. Enumerable.Range(0, Tokens.Sequences).Select(Tokens.Length)]).Select(bin => new LengthBin(bin.From, bin.To, bin.Count))];

    /// <summary>The files, with the number of rows (or pairs) used of each.</summary>
    public IReadOnlyList<ReportDataFile> Files()
    {
        var rows = Enumerable.Range(0, Tokens.Items).CountBy(item => Tokens.Location(item).File).ToDictionary();
        return [.. Tokens.SourceFiles.Select(file => new ReportDataFile(file, Tulu2.Files.FileLength.Of(file), rows.GetValueOrDefault(file)))];
    }

    public void Dispose() => Tokens.Dispose();

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
