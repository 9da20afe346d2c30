using Tulu2.Evaluation.Benchmarks;

namespace Tulu2.Evaluation.Paper;

/// <summary>The columns of the paper's tables, and its averages.</summary>
public static class PaperColumns
{
    public static readonly PaperMeasure.Score
        Mmlu = new(PaperColumn.Mmlu, "MMLU 0-shot"),
        Gsm8k = new(PaperColumn.Gsm8k, "GSM8K 8-shot CoT"),
        Bbh = new(PaperColumn.Bbh, "BBH 3-shot CoT"),
        TydiQa = new(PaperColumn.TydiQa, "TyDiQA F1"),
        CodexEval = new(PaperColumn.CodexEval, "Codex-Eval P@10"),
        AlpacaEval = new(PaperColumn.AlpacaEval, "AlpacaEval % win"),
        ToxiGen = new(PaperColumn.ToxiGen, "ToxiGen % toxic ↓"),
        TruthfulQa = new(PaperColumn.TruthfulQa, "TruthfulQA % true and informative"),
        MtBench = new(PaperColumn.MtBench, "MT-Bench of 10", 2);

    public static readonly PaperMeasure.Length Length = new();

    public static readonly PaperMeasure.Gap Gap = new();

    /// <summary>Columns of Tables 1 and 3, whose mean is their average (tulu2-spec 7.10).</summary>
    public static IReadOnlyList<PaperMeasure.Score> Seven { get; } = [Mmlu, Gsm8k, Bbh, TydiQa, CodexEval, AlpacaEval, ToxiGen];

    /// <summary>Columns of Table 2 and the other ablations.</summary>
    public static IReadOnlyList<PaperMeasure.Score> Eight { get; } = [.. Seven, TruthfulQa];

    /// <summary>Every column of scores, in the paper's order.</summary>
    public static IReadOnlyList<PaperMeasure.Score> Scores { get; } = [.. Eight, MtBench];

    /// <summary>MT-Bench's categories, in its own order.</summary>
    public static IReadOnlyList<PaperMeasure.Category> Categories { get; } =
        [.. new[] { "writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities" }.Select(name => new PaperMeasure.Category(name))];

    /// <summary>Mean of per cents, where a lower toxicity is better: 100 less it counts.</summary>
    /// <param name="value">The number in a column; null: there is none.</param>
    /// <returns>Null: a column has no number.</returns>
    public static double? Average(IReadOnlyList<PaperMeasure.Score> columns, Func<PaperMeasure.Score, double?> value)
    {
        var sum = 0.0;
        foreach (var column in columns)
        {
            if (value(column) is not { } number) return null;
            sum += Better(column.Column, number);
        }
        return sum / columns.Count;
    }

    /// <summary>The number as one of which more is better.</summary>
    public static double Better(PaperColumn column, double number) => column == PaperColumn.ToxiGen ? 100 - number : number;
}
