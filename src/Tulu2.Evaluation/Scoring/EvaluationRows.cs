using System.Text;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>The rows of an evaluation file that can be scored, in file order, and the ones left out, the damage of a file among them.</summary>
internal sealed record EvaluationRows<TRow>(IReadOnlyList<TRow> Rows, IReadOnlyList<RowFault> LeftOut);

/// <summary>Reads the rows of an evaluation file; every fault that stops an evaluation is an error that names all rows that have it.</summary>
internal static class EvaluationRows
{
    public const string NoQuestion = "has no turn before its last assistant turn";

    /// <param name="room">Tells rows that are too long; null: none is.</param>
    /// <exception cref="BadInputException">The file or rows of it are broken, too long or damaged, and the limits do not let them be; or no row is usable.</exception>
    public static EvaluationRows<MessageRow> Messages(string file, EvaluationLimits limits, RowRoom? room) => Read(
        RowReader.ReadMessages(file), file, limits, row => row.Location, row => RowRoom.Question(row).Count == 0 ? NoQuestion : null, row => room?.TooLong(row));

    /// <inheritdoc cref="Messages"/>
    /// <remarks>Pairs that say nothing (equal or empty sides) are left out.</remarks>
    public static EvaluationRows<PreferenceRow> Preferences(string file, EvaluationLimits limits, RowRoom? room) =>
        Read(RowReader.ReadPreferences(file), file, limits, row => row.Location, _ => null, row => room?.TooLong(row));

    private static EvaluationRows<TRow> Read<TRow>(IEnumerable<RowResult<TRow>> results, string file, EvaluationLimits limits,
        Func<TRow, RowLocation> place, Func<TRow, string?> broken, Func<TRow, string?> tooLong)
        where TRow : class
    {
        var rows = new List<TRow>();
        List<RowFault> leftOut = [], bad = [], tooLongRows = [];
        foreach (var (row, fault) in results)
        {
            if (row is null)
            {
                if (fault!.Kind == RowFaultKind.DamagedFile && !limits.KeepWholeRows)
                    throw new BadInputException(fault.Location.ToString(), fault.Reason,
                        "fetch or write the file again, or use --keep-whole-rows to score the whole rows before the damage");
                (fault.Kind is RowFaultKind.Dirt or RowFaultKind.DamagedFile ? leftOut : bad).Add(fault);
            }
            else if (broken(row) is { } reason) bad.Add(new RowFault(place(row), reason));
            else if (tooLong(row) is { } why) (limits.SkipLong ? leftOut : tooLongRows).Add(new RowFault(place(row), why, RowFaultKind.NothingToLearn));
            else rows.Add(row);
        }
        ThrowIfAny(bad, "cannot be scored", "correct or remove {0}");
        ThrowIfAny(tooLongRows, "are too long for the model", "remove {0}, or use --skip-long to leave out rows that are too long");
        if (rows.Count == 0) throw new BadInputException(file, $"has no usable row{List(leftOut)}", "give a file with rows to evaluate");
        return new EvaluationRows<TRow>(rows, leftOut);
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
