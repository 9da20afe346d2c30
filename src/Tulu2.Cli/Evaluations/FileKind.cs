using Tulu2.Data.Rows;
using Tulu2.Evaluation.Scoring;
using Tulu2.Files;

namespace Tulu2.Cli.Evaluations;

/// <summary>What a row file holds.</summary>
internal static class FileKind
{
    private const int RowsLookedAt = 100;

    /// <summary>
    /// Instruction rows are scored by exact match, preference pairs by accuracy: told by the first rows. A pair stays one with <c>messages</c> beside it, as many
    /// public files have them.
    /// </summary>
    /// <exception cref="BadInputException">Neither is among the first rows.</exception>
    public static string Of(string file)
    {
        var asPair = RowReader.ReadPreferences(file).Take(RowsLookedAt).ToList();
        if (asPair.Exists(row => row.Row is not null)) return EvaluationKind.Preference;
        var asRow = RowReader.ReadMessages(file).Take(RowsLookedAt).ToList();
        if (asRow.Exists(row => row.Row is not null)) return EvaluationKind.ExactMatch;
        if (asRow.Count == 0) throw new BadInputException(file, "holds no row", "give instruction rows, or preference pairs");
        throw new BadInputException(file, $"no usable row: {asRow[0].Fault?.Reason}",
            $"give instruction rows, or preference pairs ({asPair.FirstOrDefault().Fault?.Reason})");
    }
}
