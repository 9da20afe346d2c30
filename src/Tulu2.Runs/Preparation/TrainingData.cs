using System.Runtime.InteropServices;
using Tulu2.Data.Rows;
using Tulu2.Data.Slots;
using Tulu2.Data.Statistics;
using Tulu2.Data.Store;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Preparation;

/// <summary>The tokens that a recipe trains on, and the rows that were left out.</summary>
/// <param name="store">From the cache, or tokenised now.</param>
/// <param name="items">The rows (or pairs) of the store that are trained on, ascending; null: all.</param>
internal sealed class TrainingData(TokenStore store, int[]? items = null) : IDisposable
{
    /// <summary>All rows of the files, those that are kept for validation included.</summary>
    public TokenStore Store => store;

    /// <summary>The rows (or pairs) that are trained on.</summary>
    public ITokenSource Tokens { get; } = items is null ? store : new SelectedTokens(store, items, store.SequencesPerItem);

    /// <summary>Content key of ids, masks, template and maximum length, and of which rows (or pairs) of the store these are.</summary>
    public string ContentKey { get; } = items is null ? store.Key : KeyOf(store, items);

    /// <summary>Tokens of the rows (or pairs) that are trained on.</summary>
    public long TokenCount => Enumerable.Range(0, Tokens.Sequences).Sum(sequence => (long)Tokens.Length(sequence));

    private int Items => items?.Length ?? store.Items;

    /// <summary>Those rows alone that are trained on.</summary>
    /// <param name="trained">Ascending.</param>
    public TrainingData Only(int[] trained) => new(store, trained);

    /// <summary>Names the content of some rows (or pairs) of a store, and their order: what is cached under it belongs to their numbers among the chosen ones.</summary>
    public static string KeyOf(TokenStore store, int[] items) => ContentHash.OfParts([store.Key, ContentHash.Of(MemoryMarshal.AsBytes<int>(items))]);

    /// <summary>The sources of a recipe, with the files that their patterns match.</summary>
    /// <param name="key">The recipe's key that names them.</param>
    /// <exception cref="BadInputException">A pattern matches no file.</exception>
    public static IReadOnlyList<DataSourceRecipe> Sources(LoadedRecipe loaded, string key, IReadOnlyList<DataSourceRecipe> sources)
    {
        try
        {
            return [.. sources.Select(source => source with { Files = [.. source.Files.SelectMany(FilePatterns.ExpandRows)] })];
        }
        catch (BadInputException pattern)
        {
            throw loaded.Fault(key, $"{pattern.Where}: {pattern.What}", pattern.Fix);
        }
    }

    /// <inheritdoc cref="RowTokens.Open"/>
    public static TrainingData Open(LoadedRecipe loaded, ModelSource model, string cacheDirectory, Action<ProgressSnapshot> report, Action<string> say) =>
        new(RowTokens.Open(loaded, "data.train", loaded.Recipe.Data.Files, model, cacheDirectory, report, say));

    /// <summary>What an epoch passes of each source; empty: every row (or pair) once.</summary>
    public IReadOnlyList<EpochShare> Shares(DataRecipe data)
    {
        if (data.Train.All(source => source is { Weight: null, Sample: null, Limit: null })) return [];
        var shares = new List<EpochShare>();
        var first = 0;
        foreach (var (source, count) in data.Train.Zip(Counts(data.Train)))
        {
            var taken = Math.Min(count, source.Limit ?? count);
            if (taken > 0) shares.Add(source.Sample is { } sample ? new EpochShare(first, taken, sample) : EpochShare.Weighted(first, taken, source.Weight ?? 1));
            first += count;
        }
        return shares;
    }

    /// <summary>The sources of the rows (or pairs), under the names that metrics give them.</summary>
    public IReadOnlyList<SourceItems> Sources(DataRecipe data) =>
        [.. data.Train.Zip(Counts(data.Train)).Select(source => new SourceItems(source.First.Name ?? Path.GetFileName(source.First.Files[0]), source.Second))];

    /// <summary>Rows (or pairs) of each source.</summary>
    /// <param name="items">Rows (or pairs) of all of them, in the order of their files.</param>
    /// <param name="fileOf">Number of an item's file among those of all sources.</param>
    public static int[] Counts(IReadOnlyList<DataSourceRecipe> sources, int items, Func<int, int> fileOf)
    {
        var itemsOfFile = Enumerable.Range(0, items).CountBy(fileOf).ToDictionary();
        var file = 0;
        return [.. sources.Select(source => source.Files.Sum(_ => itemsOfFile.GetValueOrDefault(file++)))];
    }

    /// <summary>File and line of a row (or pair).</summary>
    public RowLocation Location(int item) => store.Location(InStore(item));

    /// <summary>The rows that were left out, one line each.</summary>
    public IEnumerable<string> LeftOut() => RowTokens.LeftOut(store);

    /// <summary>Histogram of the sequence lengths.</summary>
    public IReadOnlyList<LengthBin> Lengths() =>
        [.. LengthHistogram.Of([.. Enumerable.Range(0, Tokens.Sequences).Select(Tokens.Length)]).Select(bin => new LengthBin(bin.From, bin.To, bin.Count))];

    /// <summary>The files, with the number of rows (or pairs) used of each.</summary>
    public IReadOnlyList<ReportDataFile> Files()
    {
        var rows = Enumerable.Range(0, Items).CountBy(item => Location(item).File).ToDictionary();
        return [.. store.SourceFiles.Select(file => new ReportDataFile(file, Tulu2.Files.FileLength.Of(file), rows.GetValueOrDefault(file)))];
    }

    public void Dispose() => store.Dispose();

    private int InStore(int item) => items?[item] ?? item;

    private int[] Counts(IReadOnlyList<DataSourceRecipe> sources) => Counts(sources, Items, item => store.FileOf(InStore(item)));
}
