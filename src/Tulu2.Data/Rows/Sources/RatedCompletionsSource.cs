using System.Globalization;
using System.Text.Json;
using Tulu2.Data.Python;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Data.Rows.Sources;

/// <summary>
/// UltraFeedback's own form: a prompt with several rated <c>completions</c>. The best one (the first of equals) is chosen over one drawn of the rest, as the Zephyr
/// binarisation draws it (docs/reference/tulu2.md, DPO): with the seed 42 anew for each row, until it is not the best.
/// </summary>
internal sealed class RatedCompletionsSource : PairSource
{
    private const string Completions = "completions";
    private const int Seed = 42;

    private static readonly string[] Prompts = [RowKeys.Prompt, "instruction"];
    private static readonly string[] Texts = ["response", "completion", "content", "text"];
    private static readonly string[] Scores = ["overall_score", "score", "rating"];

    public override string Name => "rated_completions";

    public override IReadOnlyList<string> Keys => [Completions, .. Prompts];

    public override Likeness Match(JsonElement record) => !record.TryGetProperty(Completions, out _) ? Likeness.None
        : JsonFields.Has(record, Completions) && Prompts.Any(name => JsonFields.Has(record, name)) ? Likeness.Complete : Likeness.Incomplete;

    protected override string? Sides(JsonElement record, out List<Message> chosen, out List<Message> rejected)
    {
        (chosen, rejected) = ([], []);
        if (TextFields.One(record, Prompts, out var prompt) is { } reason) return reason;
        if (string.IsNullOrWhiteSpace(prompt)) return $"no prompt: the row has {JsonFields.Names(record)}";
        if (Rated(record, out var rated) is { } ratedReason) return ratedReason;
        var best = rated.FindIndex(one => one.Score == rated.Max(other => other.Score));
        if (rated.TrueForAll(one => one.Score == rated[best].Score)) return $"all {rated.Count} completions have the score {Shown(rated[best].Score)}: none is better";
        var question = new Message(Message.User, prompt);
        chosen = [question, new Message(Message.Assistant, rated[best].Text)];
        rejected = [question, new Message(Message.Assistant, rated[Other(rated.Count, best)].Text)];
        return null;
    }

    /// <summary>Index of the rejected completion.</summary>
    internal static int Other(int count, int best)
    {
        var random = new PythonRandom(Seed);
        while (true)
            if ((int)random.RandRange(count) is var drawn && drawn != best) return drawn;
    }

    private static string? Rated(JsonElement record, out List<(string Text, double Score)> rated)
    {
        rated = [];
        if (!JsonFields.TryGet(record, Completions, out var list)) return $"no {Completions}: the row has {JsonFields.Names(record)}";
        if (list.ValueKind != JsonValueKind.Array) return $"{Completions} is {JsonFields.Describe(list)}, not a list";
        foreach (var item in list.EnumerateArray())
        {
            var path = $"{Completions}[{rated.Count}]";
            if (item.ValueKind != JsonValueKind.Object) return $"{path} is {JsonFields.Describe(item)}, not an object with {Texts[0]} and {Scores[0]}";
            if (TextFields.One(item, Texts, out var text) is { } reason) return $"{path}.{reason}";
            if (text is null) return $"{path} has no text (known: {string.Join(", ", Texts)})";
            if (Score(item) is not { } score) return $"{path} has no score that is a number (known: {string.Join(", ", Scores)})";
            rated.Add((text, score));
        }
        return rated.Count < 2 ? $"{Completions} has {rated.Count}: a pair needs two" : null;
    }

    private static double? Score(JsonElement item)
    {
        foreach (var name in Scores)
            if (JsonFields.TryGet(item, name, out var field))
                return field.ValueKind == JsonValueKind.Number ? field.GetDouble()
                    : field.ValueKind == JsonValueKind.String && double.TryParse(field.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
                        ? number : null;
        return null;
    }

    private static string Shown(double score) => score.ToString(CultureInfo.InvariantCulture);
}
