using System.Text;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks;

/// <summary>Reads the items of a file of rows; an error names all rows with the same kind of fault.</summary>
internal static class RowFile
{
    /// <param name="location">The file and line of a row.</param>
    /// <param name="broken">The reason why no model can be scored on a row; null: it is usable.</param>
    /// <param name="item">Creates the item of a usable row.</param>
    /// <param name="tooLong">The reason why an item does not fit into the model's context; null: it fits.</param>
    /// <exception cref="BadInputException">
    /// Rows are broken; the file is damaged or rows are too long, and the options do not allow it; or no row is usable.
    /// </exception>
    public static BenchmarkItems<TItem> Read<TRow, TItem>(IEnumerable<RowResult<TRow>> results, BenchmarkInput input,
        Func<TRow, RowLocation> location, Func<TRow, string?> broken, Func<TRow, TItem> item, Func<TItem, ChatEncoder, string?> tooLong)
        where TRow : class
        where TItem : BenchmarkItem
    {
        var items = new List<TItem>();
        List<RowFault> leftOut = [], bad = [], tooLongRows = [];
        foreach (var (row, fault) in results)
        {
            if (row is null)
            {
                if (fault!.Kind == RowFaultKind.DamagedFile && !input.Options.KeepWholeRows)
                    throw new BadInputException(fault.Location.ToString(), fault.Reason,
                        "fetch or write the file again, or use --keep-whole-rows to score the whole rows before the damage");
                (fault.Kind is RowFaultKind.Dirt or RowFaultKind.DamagedFile ? leftOut : bad).Add(fault);
            }
            else if (broken(row) is { } reason) bad.Add(new RowFault(location(row), reason));
            else if (item(row) is var made && input.Chat is { } chat && tooLong(made, chat) is { } why)
                (input.Options.SkipLong ? leftOut : tooLongRows).Add(new RowFault(location(row), why, RowFaultKind.NothingToLearn));
            else items.Add(made);
        }
        ThrowIfAny(bad, "cannot be scored", "correct or remove {0}");
        ThrowIfAny(tooLongRows, "are too long for the model", "remove {0}, or use --skip-long to leave out rows that are too long");
        if (items.Count == 0) throw new BadInputException(input.Path, $"has no usable row{List(leftOut)}", "give a file with rows to evaluate");
        return new BenchmarkItems<TItem>(items, leftOut);
    }

    private static void ThrowIfAny(List<RowFault> faults, string what, string fix)
    {
        if (faults.Count == 0) return;
        throw new BadInputException(faults[0].Location.ToString(), faults.Count == 1 ? faults[0].Reason : $"{faults.Count:N0} rows {what}:{List(faults)}",
            fix.Replace("{0}", faults.Count == 1 ? "this row" : "these rows", StringComparison.Ordinal));
    }

    private static StringBuilder List(List<RowFault> faults)
    {
        var text = new StringBuilder();
        foreach (var fault in faults) text.Append($"\n  {fault.Location}: {fault.Reason}");
        return text;
    }
}
