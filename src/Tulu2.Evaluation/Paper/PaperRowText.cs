using System.Globalization;

namespace Tulu2.Evaluation.Paper;

/// <summary>Reads rows as <see cref="PaperTables"/> writes them: numbers, each with the letter of its certainty if it has one (<c>36.9S</c>).</summary>
internal static class PaperRowText
{
    /// <param name="columns">Column of each number, in order.</param>
    public static PaperRow Row(string name, ModelTraits? traits, IReadOnlyList<PaperMeasure> columns, string numbers, string? average = null)
    {
        var values = numbers.Split(' ');
        if (values.Length != columns.Count) throw new ArgumentException($"{name}: {values.Length} numbers for {columns.Count} columns");
        return new PaperRow(name, traits, columns.Zip(values, (column, value) => (column, Number: Number(value))).ToDictionary(cell => cell.column, cell => cell.Number),
            average is null ? null : Number(average));
    }

    private static PaperNumber Number(string text)
    {
        var certainty = text[^1] switch
        {
            'S' => PaperCertainty.Summary,
            'H' => PaperCertainty.Card,
            'C' => PaperCertainty.Code,
            _ => PaperCertainty.Recalled,
        };
        return new PaperNumber(double.Parse(certainty == PaperCertainty.Recalled ? text : text[..^1], CultureInfo.InvariantCulture), certainty);
    }
}
