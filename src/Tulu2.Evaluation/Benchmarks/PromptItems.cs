using Tulu2.Data.Rows;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>Makes items whose prompts may be too long for the model.</summary>
internal static class PromptItems
{
    /// <summary>All items; with <see cref="BenchmarkOptions.SkipLong"/> those that do not fit are left out, otherwise they are not asked.</summary>
    /// <param name="where">File and line of an entry.</param>
    /// <exception cref="BadInputException">None fits, and those that do not are left out.</exception>
    public static BenchmarkItems<TItem> Of<TEntry, TItem>(
        BenchmarkInput input, IEnumerable<TEntry> entries, Func<TEntry, string> where, Func<TEntry, TItem> item, Func<TItem, bool> fits)
        where TItem : BenchmarkItem
    {
        var items = new List<TItem>();
        var leftOut = new List<RowFault>();
        foreach (var entry in entries)
        {
            if (item(entry) is var made && (fits(made) || !input.Options.SkipLong)) items.Add(made);
            else leftOut.Add(new RowFault(Location(where(entry)), $"{made.Id}: its prompt does not fit into the model's context", RowFaultKind.NothingToLearn));
        }
        if (items.Count == 0) throw new BadInputException(input.Path, "has no item whose prompt fits into the model's context", "use a model with a longer context, or fewer --shots");
        return new BenchmarkItems<TItem>(items, leftOut) { AreWithinContext = true };
    }

    // "FILE:LINE", or a place within a file.
    private static RowLocation Location(string where)
    {
        var colon = where.LastIndexOf(':');
        return colon > 0 && long.TryParse(where.AsSpan(colon + 1), out var line) ? new RowLocation(where[..colon], line) : new RowLocation(where, 1);
    }
}
