using Tulu2.Data.Rows;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Scoring;

/// <summary>What there is to evaluate of one model on one file.</summary>
/// <param name="LeftOut">What is not scored, for the user to see: pairs that say nothing, rows that are too long, what lies behind a file's damage.</param>
/// <param name="Remarks">What else the user should know before looking at the score.</param>
public sealed record EvaluationPlan(IReadOnlyList<EvaluationTask> Work, IReadOnlyList<RowFault> LeftOut, IReadOnlyList<string> Remarks)
{
    /// <summary>Splits a row file into tasks; reads all of it, so that every row that cannot be scored is found before any work is done.</summary>
    /// <param name="kind">See <see cref="EvaluationKind"/>.</param>
    /// <param name="model">Directory of the Hugging Face export.</param>
    /// <param name="chunk">Rows of one task.</param>
    /// <param name="limits">Those of the <see cref="EvaluatorFactory"/> too.</param>
    /// <param name="room">Measures the rows against the model; null: every row fits.</param>
    /// <exception cref="BadInputException">The file or a row cannot be used, or there is no such kind.</exception>
    public static EvaluationPlan Tasks(string kind, string file, string model, int chunk, EvaluationLimits? limits = null, RowRoom? room = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        limits ??= new EvaluationLimits();
        switch (kind)
        {
            case EvaluationKind.ExactMatch:
                var rows = EvaluationRows.Messages(file, limits, room);
                return Plan(rows, room is null ? null : Remark(rows.Rows.Count(row => room.IsOutOfReach(row, limits.MaxTokens)),
                    "cannot be answered right, since the expected answer is longer than --max-tokens or the model's context lets an answer be; counted as wrong"));
            case EvaluationKind.Preference:
                var pairs = EvaluationRows.Preferences(file, limits, room);
                return Plan(pairs, room is null ? null : Remark(pairs.Rows.Count(room.IsCut), $"cut at the model's context of {room.Chat.MaxLength:N0} tokens"));
            default:
                throw new BadInputException(kind, "is no kind of evaluation", $"give {EvaluationKind.ExactMatch} or {EvaluationKind.Preference}");
        }

        EvaluationPlan Plan<TRow>(EvaluationRows<TRow> read, string? remark)
        {
            var count = read.Rows.Count;
            var work = Enumerable.Range(0, (count + chunk - 1) / chunk)
                .Select(i => new EvaluationTask($"{kind}:{model}:{file}:{i * chunk}", kind, model, file, i * chunk, Math.Min(chunk, count - i * chunk)));
            return new EvaluationPlan([.. work], read.LeftOut, remark is null ? [] : [remark]);
        }
    }

    private static string? Remark(int count, string what) => count == 0 ? null : $"{NumberText.Count(count, "row")} {what}";
}
