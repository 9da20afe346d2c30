using Tulu2.Data.Rows;
using Tulu2.Files;

namespace Tulu2.Data.Store;

/// <summary>What became of the rows of a store. The same whether it was built now or was there already.</summary>
/// <param name="Rows">Rows (or pairs) in the files, faults included.</param>
/// <param name="Used">Rows (or pairs) in the store.</param>
/// <param name="TruncatedRows">Used rows (or pairs) that were cut at the maximum length.</param>
/// <param name="Tokens">Tokens in the store.</param>
/// <param name="LossTokens">Scored tokens among them.</param>
/// <param name="Faults">Every row that was left out, in file order.</param>
public sealed record StoreReport(long Rows, int Used, int TruncatedRows, long Tokens, long LossTokens, IReadOnlyList<RowFault> Faults)
{
    /// <summary>Damaged files, each with the line where the damage begins and the reason; only the whole rows before it are in the store.</summary>
    public IReadOnlyList<RowFault> DamagedFiles { get; init; } = [];

    /// <summary>What was left out: the damaged files, then the rows.</summary>
    public IEnumerable<RowFault> All => DamagedFiles.Concat(Faults);

    /// <summary>Number of faults of one kind.</summary>
    public int Count(RowFaultKind kind) => Faults.Count(fault => fault.Kind == kind);

    /// <summary>Throws one readable error if the run must not start with these rows.</summary>
    /// <param name="stopOnBadRows">
    /// The recipe's <c>data.bad_rows: stop</c>: broken rows and rows with nothing left to learn stop the run. Dirt never does.
    /// </param>
    /// <param name="stopOnBadFiles">The recipe's <c>data.bad_files: stop</c>: a damaged file stops the run.</param>
    /// <param name="key">The recipe's key that names the files.</param>
    /// <exception cref="BadInputException">There are rows or files that stop the run, or there is no usable row.</exception>
    public void ThrowIfUnusable(bool stopOnBadRows, bool stopOnBadFiles = true, string key = "data.train")
    {
        if (stopOnBadFiles && DamagedFiles.Count > 0)
        {
            throw new BadInputException(DamagedFiles[0].Location.ToString(),
                DamagedFiles.Count == 1 ? DamagedFiles[0].Reason : $"{DamagedFiles.Count} files are damaged:{List(DamagedFiles)}",
                "fetch or write the file again, or set data.bad_files: keep_whole_rows to use the whole rows before the damage");
        }
        var stopping = stopOnBadRows ? Faults.Where(fault => fault.Kind != RowFaultKind.Dirt).ToList() : [];
        if (stopping.Count > 0)
        {
            throw new BadInputException(stopping[0].Location.ToString(),
                stopping.Count == 1 ? stopping[0].Reason : $"{stopping.Count} of {Rows} rows cannot be used:{List(stopping)}",
                "correct the rows, or set data.bad_rows: skip to list them and leave them out");
        }
        if (Used > 0) return;
        var none = Rows == 1 ? "the only row cannot" : $"none of the {NumberText.Count(Rows)} rows can";
        throw new BadInputException(key, Rows == 0 ? $"the files hold no row{List(DamagedFiles)}" : $"{none} be used:{List(Faults)}",
            "give files with at least one usable row");
    }

    private static string List(IReadOnlyCollection<RowFault> faults) => string.Concat(RowFaultLines.Of(faults, "\n  "));
}
