using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>Scores that a pair's record gives its two sides, under the names of the known data sets.</summary>
internal static class PairScores
{
    private static readonly (string Chosen, string Rejected)[] Names =
        [("score_chosen", "score_rejected"), ("chosen_score", "rejected_score"), ("chosen-rating", "rejected-rating"), ("chosen_rating", "rejected_rating")];

    public static IEnumerable<string> Keys => Names.SelectMany(pair => new[] { pair.Chosen, pair.Rejected });

    /// <summary>The reason where the rejected side has the higher score; null: none has. Equal scores are kept: the released sets have such pairs.</summary>
    public static string? Contradiction(JsonElement record)
    {
        foreach (var (chosen, rejected) in Names)
            if (Number(record, chosen) is { } better && Number(record, rejected) is { } worse && better < worse)
                return $"{chosen} is {record.GetProperty(chosen).GetRawText()}, less than the {record.GetProperty(rejected).GetRawText()} of {rejected}: are the sides swapped?";
        return null;
    }

    private static double? Number(JsonElement record, string name) =>
        JsonFields.TryGet(record, name, out var field) && field.ValueKind == JsonValueKind.Number ? field.GetDouble() : null;
}
