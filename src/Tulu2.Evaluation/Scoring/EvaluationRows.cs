using Tulu2.Data.Rows;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>The rows of an evaluation file that can be scored, in file order, and the ones left out.</summary>
internal static class EvaluationRows
{
    /// <exception cref="BadInputException">The file or a row of it is broken, or no row is usable.</exception>
    public static (IReadOnlyList<MessageRow> Rows, IReadOnlyList<RowFault> LeftOut) Messages(string file) => Read(RowReader.ReadMessages(file), file);

    /// <exception cref="BadInputException">As for <see cref="Messages"/>; pairs that say nothing (equal or empty sides) are left out instead.</exception>
    public static (IReadOnlyList<PreferenceRow> Rows, IReadOnlyList<RowFault> LeftOut) Preferences(string file) => Read(RowReader.ReadPreferences(file), file);

    private static (IReadOnlyList<TRow>, IReadOnlyList<RowFault>) Read<TRow>(IEnumerable<RowResult<TRow>> results, string file)
        where TRow : class
    {
        var rows = new List<TRow>();
        var leftOut = new List<RowFault>();
        foreach (var result in results)
        {
            if (result.Row is { } row) rows.Add(row);
            else if (result.Fault is { Kind: RowFaultKind.Dirt } dirt) leftOut.Add(dirt);
            else throw new BadInputException(result.Fault!.Location.ToString(), result.Fault.Reason, "mend or remove this row");
        }
        if (rows.Count == 0) throw new BadInputException(file, "has no usable row", "give a file with rows to evaluate");
        return (rows, leftOut);
    }
}
