using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Benchmarks.MtBench;

/// <summary>The grades of a question's turns, and their means over questions. Pure.</summary>
/// <param name="Grades">[turns] null: it cannot be read, or there is none.</param>
internal sealed record TurnGrades(IReadOnlyList<double?> Grades)
{
    private const string Turn = "turn", Unparsed = "unparsed";

    public static TurnGrades Of(IReadOnlyList<double?> grades) => new(grades);

    /// <summary>Number of verdicts without a grade.</summary>
    public int Unread { get; init; } = Grades.Count(grade => grade is null);

    /// <summary>NaN: there is no grade.</summary>
    public double Mean => Grades.Average() ?? double.NaN;

    /// <summary>Figures of the item: <c>turn1</c>, <c>turn2</c>, and <c>unparsed</c> where there are such.</summary>
    public IReadOnlyDictionary<string, double> Metrics
    {
        get
        {
            var metrics = Grades.Select((grade, index) => (Name: $"{Turn}{index + 1}", Grade: grade)).Where(turn => turn.Grade is not null)
                .ToDictionary(turn => turn.Name, turn => turn.Grade!.Value);
            if (Unread > 0) metrics.Add(Unparsed, Unread);
            return metrics;
        }
    }

    public string Shown(int turn) => Grades[turn] is { } grade ? FormattableString.Invariant($"{grade}") : "no grade can be read";

    /// <summary>NaN: there is no grade.</summary>
    public static double MeanOf(IReadOnlyList<ItemScore> scores) => Of(scores.SelectMany(GradesOf));

    /// <summary>Of a new draw of questions: grades of one question belong together.</summary>
    public static double StandardErrorOf(IReadOnlyList<ItemScore> scores)
    {
        // The mean is a ratio, sum of grades to number of grades: its error by the usual linearisation.
        var questions = scores.Select(GradesOf).Where(grades => grades.Count > 0).ToList();
        if (questions.Count == 0) return double.NaN;
        if (questions.Count == 1) return 0;
        var mean = MeanOf(scores);
        var size = questions.Average(grades => grades.Count);
        var squares = questions.Sum(grades => Math.Pow(grades.Sum() - mean * grades.Count, 2));
        return Math.Sqrt(squares / (questions.Count - 1) / questions.Count) / size;
    }

    public static IReadOnlyDictionary<string, double> MetricsOf(IReadOnlyList<ItemScore> scores)
    {
        var metrics = new Dictionary<string, double>();
        foreach (var turn in new[] { $"{Turn}1", $"{Turn}2" })
            if (scores.Any(score => score.Metrics.ContainsKey(turn)))
                metrics.Add(turn, scores.Where(score => score.Metrics.ContainsKey(turn)).Average(score => score.Metrics[turn]));
        metrics.Add(Unparsed, scores.Sum(score => score.Metrics.GetValueOrDefault(Unparsed)));
        return metrics;
    }

    private static List<double> GradesOf(ItemScore score) =>
        [.. score.Metrics.Where(metric => metric.Key.StartsWith(Turn, StringComparison.Ordinal)).Select(metric => metric.Value)];

    private static double Of(IEnumerable<double> grades) => grades.DefaultIfEmpty(double.NaN).Average();
}
