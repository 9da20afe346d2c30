using System.Text.RegularExpressions;
using Tulu2.Data.Rows;

namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>Which of two shown answers is the better one.</summary>
internal enum Shown
{
    Neither,
    First,
    Second,
}

/// <summary>Reads the judge's ranking of model_1 and model_2. Pure.</summary>
internal static partial class RankingVerdict
{
    private const string FirstName = "model_1", SecondName = "model_2";

    /// <returns>Null: no ranking can be read.</returns>
    public static Shown? Parse(string verdict, EvaluationMode mode) => mode == EvaluationMode.Parity ? AsTheOriginal(verdict) : Tolerant(verdict);

    // The original evaluates the whole text as a Python literal and takes the rank of the first entry of model_1, which has to be 1 or 2.
    private static Shown? AsTheOriginal(string verdict)
    {
        if (PythonLiteral.Parse(verdict) is not PythonLiteral.Sequence entries) return null;
        PythonLiteral.Dictionary? first = null;
        foreach (var entry in entries.Values)
        {
            // An entry without a model ends the original's search with an error.
            if (entry is not PythonLiteral.Dictionary dictionary || dictionary.Of("model") is not { } model) return null;
            if (model is PythonLiteral.Text { Value: FirstName }) first ??= dictionary;
        }
        return first?.Of("rank") switch
        {
            PythonLiteral.Number { Value: 1 } => Shown.First,
            PythonLiteral.Number { Value: 2 } => Shown.Second,
            _ => null,
        };
    }

    // The entries of the literal, or, where it is none, all that are in the text, whatever is around them, in Python's or JSON's quotes; ranks may be texts. Entries
    // must not contradict each other.
    private static Shown? Tolerant(string verdict)
    {
        var literal = OfLiteral(verdict);
        var ranks = (literal.Count > 0 ? literal : OfText(verdict)).Distinct().ToList();
        return (RankOf("1"), RankOf("2")) switch
        {
            (null, null) or ("", _) or (_, "") => null,
            ({ } first, { } second) when first == second => Shown.Neither,
            ("1", _) or (null, "2") => Shown.First,
            _ => Shown.Second,
        };

        // Null: the model has no entry; empty: it has two that differ.
        string? RankOf(string model) => ranks.Where(entry => entry.Model == model).Select(entry => entry.Rank).ToList() switch { [] => null, [var rank] => rank, _ => "" };
    }

    private static List<(string Model, string Rank)> OfLiteral(string verdict)
    {
        var entries = PythonLiteral.Parse(TurnText.Strip(verdict)) switch
        {
            PythonLiteral.Sequence sequence => sequence.Values,
            PythonLiteral.Dictionary alone => [alone],
            _ => [],
        };
        var ranks = new List<(string Model, string Rank)>();
        foreach (var entry in entries.OfType<PythonLiteral.Dictionary>())
            if (entry.Of("model") is PythonLiteral.Text { Value: FirstName or SecondName } model && RankOf(entry) is { } rank) ranks.Add((model.Value[^1..], rank));
        return ranks;

        static string? RankOf(PythonLiteral.Dictionary entry) => entry.Of("rank") switch
        {
            PythonLiteral.Number { Value: 1 or 2 } number => number.Value == 1 ? "1" : "2",
            PythonLiteral.Text text when text.Value.Trim() is "1" or "2" => text.Value.Trim(),
            _ => null,
        };
    }

    private static IEnumerable<(string Model, string Rank)> OfText(string verdict)
    {
        var text = verdict.Replace('“', '"').Replace('”', '"').Replace('‘', '\'').Replace('’', '\'').Replace("\\_", "_", StringComparison.Ordinal);
        return Entry().Matches(text).Select(entry => (entry.Groups["model"].Value, entry.Groups["rank"].Value));
    }

    [GeneratedRegex("""
        ["']model["']\s*:\s*["']model_(?<model>[12])["']\s*,\s*["']rank["']\s*:\s*["']?(?<rank>[12])(?:\.0)?["']?\s*[,}]
        |["']rank["']\s*:\s*["']?(?<rank>[12])(?:\.0)?["']?\s*,\s*["']model["']\s*:\s*["']model_(?<model>[12])["']
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Entry();
}
