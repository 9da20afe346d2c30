using System.Globalization;
using System.Text.Json.Serialization;
using Tulu2.Files;

namespace Tulu2.Evaluation.Tasks;

/// <summary>The score of one item.</summary>
/// <param name="Item">Id of the item within its benchmark.</param>
/// <param name="Dataset">The part of the benchmark that the item belongs to; empty: none.</param>
/// <param name="Value">Score in the unit of the benchmark; NaN: the item has none, because no verdict on it can be read, and means leave it out.</param>
public sealed record ItemScore(string Item, string Dataset, double Value)
{
    /// <summary>Further figures of the item, by name.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = NoMetrics;

    /// <summary>Prompt and answer; null: none.</summary>
    public EvaluationSample? Sample { get; init; }

    /// <summary>Whether means include it.</summary>
    [JsonIgnore]
    public bool IsScored => !double.IsNaN(Value);

    public static IReadOnlyDictionary<string, double> NoMetrics { get; } = new Dictionary<string, double>();
}

/// <summary>A prompt with its expected and generated answer, for the report.</summary>
/// <param name="Output">What the model wrote, whole.</param>
public sealed record EvaluationSample(string Prompt, string Expected, string Output, bool Correct)
{
    /// <summary>What was read out of the output, or what a judge or a run of the program said of it; null: the output itself counts.</summary>
    public string? Verdict { get; init; }
}

/// <summary>The unit of a benchmark's scores.</summary>
/// <param name="Name">Text after the number: <c>%</c>, <c>of 10</c>.</param>
/// <param name="Scale">Factor applied to a score before printing.</param>
/// <param name="Digits">Number of decimal places printed.</param>
public sealed record ScoreUnit(string Name, double Scale, int Digits)
{
    /// <summary>A share from 0 to 1, printed as a percentage.</summary>
    public static ScoreUnit Share { get; } = new("%", 100, 1);

    /// <summary>A judge's grade from 1 to 10.</summary>
    public static ScoreUnit Grade { get; } = new("of 10", 1, 2);

    /// <summary>The points that a score can have; null: any.</summary>
    [JsonIgnore]
    public (double Low, double High)? Range => this == Share ? (0, 100) : this == Grade ? (1, 10) : null;

    public string Text(double value) => this == Share
        ? NumberText.Percent(value)
        : $"{(value * Scale).ToString($"F{Digits}", CultureInfo.InvariantCulture)} {Name}";
}
