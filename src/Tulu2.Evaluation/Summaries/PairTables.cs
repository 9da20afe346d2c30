using Tulu2.Files;

namespace Tulu2.Evaluation.Summaries;

/// <summary>Each pair of models with its paired tests.</summary>
internal static class PairTables
{
    public static IEnumerable<ReportTable> Of(IReadOnlyList<ModelPair> pairs) => pairs.Index().Where(pair => pair.Item.Tasks.Count > 0).Select(pair => Table(pair.Item, $"pair-{pair.Index + 1}"));

    private static ReportTable Table(ModelPair pair, string id)
    {
        var rows = pair.Tasks.Select(task => new TableRow(task.Task, RowOrigin.Ours,
        [
            TableCell.Of(task.Difference.First, task.First.Digits), TableCell.Of(task.Difference.Second, task.First.Digits),
            TableCell.Signed(task.Difference.Value, task.First.Digits, task.Difference.Interval),
            task.Items == 0 ? TableCell.None : new TableCell(NumberText.Count(task.Items), task.Items),
            task.Test is null ? TableCell.None : new TableCell(Figures.P(task.Test.P), task.Test.P),
            new TableCell(task.Test?.Name ?? $"none: {task.Why}"),
        ]));
        IEnumerable<TableRow> average = pair.Average is not { } mean ? [] :
        [
            new TableRow("average of Tables 1 and 3", RowOrigin.Ours,
            [
                TableCell.Of(mean.First, 1), TableCell.Of(mean.Second, 1), TableCell.Signed(mean.Value, 1, mean.Interval), TableCell.None, TableCell.None,
                new TableCell("see the interval"),
            ]),
        ];
        return new ReportTable(id, $"{pair.Second.Name} against {pair.First.Name}", ["Task", pair.First.Name, pair.Second.Name, "Difference", "Common items", "p", "Test"], [.. rows, .. average])
        {
            Notes =
            [
                "Differences in points, second less first, on the items that both were scored on, with the interval of a paired bootstrap. p is two-sided, of a test on the items' own scores, and not "
                    + "corrected for the number of tests.",
                .. pair.Tasks.Any(task => task.First.Result.IsLowerBetter) ? ["Of toxicity less is better."] : Array.Empty<string>(),
            ],
        };
    }
}
