namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>The score of one pair and what is kept with it.</summary>
internal static class PairScore
{
    public const double Win = 1, Draw = 0.5, Loss = 0, None = double.NaN;

    /// <summary>Names of the figures of an item: characters of the model's answer and of the reference, and the instruction's difficulty.</summary>
    public const string Length = "length", ReferenceLength = "reference_length", Difficulty = "difficulty";

    /// <summary>
    /// The score of a stored preference: 1 for the reference, 2 for the model, 0 or 1.5 for a draw, between 1 and 2 for the probability of the model's answer
    /// (AlpacaEval 2). Anything else is no verdict.
    /// </summary>
    public static double OfPreference(double? preference) => preference switch
    {
        0 => Draw,
        >= 1 and <= 2 => preference.Value - 1,
        _ => None,
    };

    /// <param name="output">Null: not known.</param>
    /// <param name="reference">Null: not known.</param>
    public static IReadOnlyDictionary<string, double> Metrics(double score, string? output, string? reference, double? difficulty)
    {
        var metrics = new Dictionary<string, double>();
        if (output is not null) metrics.Add(Length, Characters(output));
        if (reference is not null) metrics.Add(ReferenceLength, Characters(reference));
        if (difficulty is { } known) metrics.Add(Difficulty, known);
        return metrics;
    }

    public static string Shown(double score, IEnumerable<string> verdicts)
    {
        var result = score switch { double.NaN => "no verdict can be read", Win => "the model wins", Loss => "the reference wins", Draw => "a draw", _ => $"{score:0.###} for the model" };
        return string.Join('\n', verdicts.Prepend(result));
    }

    // Python's len: code points.
    private static int Characters(string text) => text.Length - text.Count(char.IsLowSurrogate);
}
