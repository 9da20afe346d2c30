using Tulu2.Evaluation.Benchmarks;

namespace Tulu2.Evaluation.Paper;

/// <summary>A row of a table of the paper: a model and its numbers; what is not known is not there.</summary>
/// <param name="Traits">Tells which model it is; null: none that can be trained here.</param>
/// <param name="Average">As the paper prints it; null: not known.</param>
public sealed record PaperRow(string Name, ModelTraits? Traits, IReadOnlyDictionary<PaperMeasure, PaperNumber> Numbers, PaperNumber? Average = null)
{
    /// <summary>The printed average may differ from that of the printed numbers by half a unit in the last place of each.</summary>
    private const double Rounding = 0.1 + 1e-9;

    public PaperNumber? this[PaperMeasure measure] => Numbers.GetValueOrDefault(measure);

    public PaperNumber? this[PaperColumn column] => this[PaperColumns.Scores.First(score => score.Column == column)];

    /// <summary>Average of the row's own numbers; null: one is missing.</summary>
    public double? Computed(IReadOnlyList<PaperMeasure.Score> averaged) => averaged.Count == 0 ? null : PaperColumns.Average(averaged, column => this[column]?.Value);

    /// <summary>The printed average does not follow from the printed numbers: one of them is misremembered or misprinted.</summary>
    public bool IsAverageOff(IReadOnlyList<PaperMeasure.Score> averaged) =>
        Average is { } printed && Computed(averaged) is { } computed && Math.Abs(printed.Value - computed) > Rounding;

    /// <summary>No number of the row is verified.</summary>
    public bool IsVerified => Numbers.Values.Append(Average).OfType<PaperNumber>().All(number => number.Certainty != PaperCertainty.Recalled);
}

/// <summary>A table of the paper.</summary>
/// <param name="Number">As the paper counts.</param>
/// <param name="Averaged">Columns whose mean is the average; empty: the table has none.</param>
public sealed record PaperTable(int Number, string Title, IReadOnlyList<PaperMeasure> Columns, IReadOnlyList<PaperMeasure.Score> Averaged, IReadOnlyList<PaperRow> Rows)
{
    /// <summary>What a reader should know of its numbers.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    public string Heading => $"Table {Number}: {Title}";
}
