using Tulu2.Data.Rows;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>What there is to evaluate of one model on one file.</summary>
/// <param name="LeftOut">Preference pairs that say nothing; for the user to see.</param>
public sealed record EvaluationPlan(IReadOnlyList<EvaluationTask> Work, IReadOnlyList<RowFault> LeftOut)
{
    /// <summary>Splits a row file into tasks; reads all of it, so that a bad row is found before any work is done.</summary>
    /// <param name="kind">See <see cref="EvaluationKind"/>.</param>
    /// <param name="model">Directory of the Hugging Face export.</param>
    /// <param name="chunk">Rows of one task.</param>
    /// <exception cref="BadInputException">The file or a row cannot be used, or there is no such kind.</exception>
    public static EvaluationPlan Tasks(string kind, string file, string model, int chunk)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        int rows;
        IReadOnlyList<RowFault> leftOut;
        switch (kind)
        {
            case EvaluationKind.ExactMatch:
                (rows, leftOut) = Count(EvaluationRows.Messages(file));
                break;
            case EvaluationKind.Preference:
                (rows, leftOut) = Count(EvaluationRows.Preferences(file));
                break;
            default:
                throw new BadInputException(kind, "is no kind of evaluation", $"give {EvaluationKind.ExactMatch} or {EvaluationKind.Preference}");
        }
        return new EvaluationPlan(
            [.. Enumerable.Range(0, (rows + chunk - 1) / chunk).Select(i => new EvaluationTask($"{kind}:{model}:{file}:{i * chunk}", kind, model, file, i * chunk, Math.Min(chunk, rows - i * chunk)))],
            leftOut);

        static (int, IReadOnlyList<RowFault>) Count<TRow>((IReadOnlyList<TRow> Rows, IReadOnlyList<RowFault> LeftOut) read) => (read.Rows.Count, read.LeftOut);
    }
}
