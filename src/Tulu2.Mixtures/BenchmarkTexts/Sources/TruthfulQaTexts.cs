using Tulu2.Data.Benchmarks;

namespace Tulu2.Mixtures.BenchmarkTexts.Sources;

/// <summary>TruthfulQA: all 817 questions, their right answers, and the wrong ones as choices. Answers are joined by semicolons in its table.</summary>
internal sealed class TruthfulQaTexts : IBenchmarkTexts
{
    private const string File = "TruthfulQA.csv";

    private static readonly (string Column, ItemPart Part)[] Columns =
    [
        ("Question", ItemPart.Question), ("Best Answer", ItemPart.Answer), ("Correct Answers", ItemPart.Answer), ("Incorrect Answers", ItemPart.Choice),
    ];

    public string Name => "truthfulqa";

    public IEnumerable<ItemTexts> Read(BenchmarkFolder folder)
    {
        int[]? places = null;
        foreach (var (number, _, values) in folder.Table(File, Columns.Length))
        {
            if (places is not null)
            {
                yield return new ItemTexts($"{number - 1}", [.. Columns.SelectMany((column, at) => Texts(column.Part, values.ElementAtOrDefault(places[at]) ?? ""))]);
                continue;
            }
            places = [.. Columns.Select(column => Array.IndexOf(values, column.Column))];
            if (places.Contains(-1)) throw folder.WrongColumns(File, Columns.Select(column => column.Column));
        }
    }

    private static IEnumerable<ItemText> Texts(ItemPart part, string value) =>
        part == ItemPart.Question ? [new ItemText(part, value)]
            : value.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(answer => new ItemText(part, answer));
}
