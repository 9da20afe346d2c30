using Tulu2.Evaluation.Benchmarks;

namespace Tulu2.Evaluation.Provenance;

/// <summary>Says whether a model was trained on the questions of a benchmark, so that a score would not mean anything. Pure.</summary>
public static class Contamination
{
    // The paper reports no TruthfulQA for DPO models: UltraFeedback has TruthfulQA's questions among its prompts.
    private static readonly (PaperColumn Column, string Data, string Why)[] Known =
    [
        (PaperColumn.TruthfulQa, "ultrafeedback", "UltraFeedback, which has TruthfulQA's questions among its prompts"),
    ];

    /// <summary>Why the benchmark's score of such a model is withheld; null: it is not.</summary>
    public static string? Reason(IBenchmark benchmark, ModelProvenance provenance) => Reason(ColumnOf(benchmark), provenance);

    /// <inheritdoc cref="Reason(IBenchmark, ModelProvenance)"/>
    /// <param name="column">The benchmark's column; null: it has none.</param>
    public static string? Reason(PaperColumn? column, ModelProvenance provenance)
    {
        foreach (var (known, data, why) in Known.Where(entry => entry.Column == column))
            foreach (var stage in provenance.Stages)
                if (stage.Data.FirstOrDefault(trained => Plain(trained.Name).Contains(data, StringComparison.Ordinal)) is { } found)
                    return $"the model was trained on {why} ({(stage.Objective.Length == 0 ? "" : $"{stage.Objective} on ")}{found.Name})";
        return null;
    }

    // A benchmark of the same questions without a column of its own, such as truthfulqa_mc, is withheld too.
    private static PaperColumn? ColumnOf(IBenchmark benchmark) =>
        benchmark.Column ?? (benchmark.Folder is { } folder
            ? BenchmarkCatalogue.All.FirstOrDefault(other => other.Folder == folder && other.Column is not null)?.Column : null);

    // ultra-feedback, UltraFeedback_binarized, hf://datasets/openbmb/UltraFeedback.
    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();
}
