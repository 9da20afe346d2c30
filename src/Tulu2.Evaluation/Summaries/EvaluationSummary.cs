using Tulu2.Evaluation.Resampling;

namespace Tulu2.Evaluation.Summaries;

/// <summary>Everything that a report tells of models' scores; text, Markdown, page and JSON show it.</summary>
public sealed record EvaluationSummary(IReadOnlyList<ModelStanding> Models, IReadOnlyList<ModelPair> Pairs, Bootstrap Bootstrap)
{
    /// <summary>Up to this number of models, each is tested against each other; beyond it, only those that the paper would compare.</summary>
    public const int MostForAllPairs = 4;

    /// <summary>Tables for people, in order.</summary>
    public IReadOnlyList<ReportTable> Tables { get; init; } = [];

    /// <summary>Computes everything.</summary>
    /// <param name="models">At least one.</param>
    public static EvaluationSummary Of(IReadOnlyList<ModelResults> models, Bootstrap bootstrap)
    {
        var standings = models.Select(model => ModelStanding.Of(model, bootstrap)).ToList();
        var pairs = ModelPairs.Of(standings).Select(pair => ModelPair.Of(pair.First, pair.Second, pair.Relation, bootstrap)).ToList();
        var summary = new EvaluationSummary(standings, pairs, bootstrap);
        return summary with
        {
            Tables =
            [
                ScoreTables.Scores(standings), .. PaperComparison.Tables(standings), .. RelationTables.Of(pairs), .. PairTables.Of(pairs),
                .. ScoreTables.Lengths(standings), .. CheckpointTables.Of(standings), .. ScoreTables.Further(standings), .. ScoreTables.Parts(standings),
            ],
        };
    }
}
