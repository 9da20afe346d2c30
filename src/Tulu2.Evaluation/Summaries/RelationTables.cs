using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Paper;

namespace Tulu2.Evaluation.Summaries;

/// <summary>What DPO, the V2 mixture and full fine-tuning change: differences of ours beside the paper's.</summary>
internal static class RelationTables
{
    private static readonly (PairRelation Relation, string Id, string Heading, PaperTable Table)[] All =
    [
        (PairRelation.Preferences, "dpo-sft", "DPO less SFT", PaperTables.Three),
        (PairRelation.Mixture, "v2-v1", "V2 mixture less V1", PaperTables.Two),
        (PairRelation.Quantized, "full-qlora", "Full fine-tuning less QLoRA", PaperTables.Five),
    ];

    public static IEnumerable<ReportTable> Of(IReadOnlyList<ModelPair> pairs) =>
        from kind in All
        let ours = pairs.Where(pair => pair.Relation == kind.Relation && pair.Tasks.Count > 0).ToList()
        where ours.Count > 0
        select Table(kind.Id, kind.Heading, kind.Table, ours);

    private static ReportTable Table(string id, string heading, PaperTable table, IReadOnlyList<ModelPair> pairs)
    {
        var notes = new Footnotes();
        var columns = table.Columns.OfType<PaperMeasure.Score>().ToList();
        var rows = pairs.Select(pair => new TableRow($"{pair.Second.Name} less {pair.First.Name}", RowOrigin.Ours,
            [new TableCell(PaperComparison.Ours), .. columns.Select(column => Cell(pair, column.Column, notes)), Average(pair, table)]));
        return new ReportTable(id, heading, ["Models", "From", .. columns.Select(column => column.Name), "Average"],
            [.. rows.Where(row => row.Cells.Skip(1).Any(cell => cell != TableCell.None)), .. Papers(table, columns)])
        {
            Notes = [.. notes.Lines, "Differences in points; the paper's are of its printed numbers, or as its summary states them [S]."],
        };
    }

    private static TableCell Cell(ModelPair pair, PaperColumn column, Footnotes notes)
    {
        if (pair.Tasks.FirstOrDefault(task => task.First.Column?.Column == column && task.Second.Column?.Column == column) is not { } task) return TableCell.None;
        return TableCell.Signed(task.Difference.Value, task.First.Digits, task.Difference.Interval,
            notes.Marks(task.First.Reservations.Concat(task.Second.Reservations).Distinct().Append(task.Test is null ? task.Why : null).OfType<string>()));
    }

    private static TableCell Average(ModelPair pair, PaperTable table)
    {
        if (pair.First.Average(table.Averaged) is not { Value: { } first } one || pair.Second.Average(table.Averaged) is not { Value: { } second } other) return TableCell.None;
        return TableCell.Signed(second - first, 1, other.Less(one));
    }

    // Rows of one size that differ in the one trait.
    private static IEnumerable<TableRow> Papers(PaperTable table, IReadOnlyList<PaperMeasure.Score> columns) =>
        from first in table.Rows
        from second in table.Rows
        where first.Traits is not null && second.Traits is not null && IsPair(table, first.Traits, second.Traits)
        let cells = columns.Select(column => first[column] is { } one && second[column] is { } other ? Difference(one, other) : TableCell.None).ToList()
        let gap = first[PaperColumns.Gap]
        let average = gap is not null ? TableCell.Signed(-gap.Value, 1, mark: gap.Tag)
            : first.Computed(table.Averaged) is { } one && second.Computed(table.Averaged) is { } other ? TableCell.Signed(other - one, 1) : TableCell.None
        let isSure = cells.Append(average).All(cell => cell == TableCell.None || cell.Mark is not null)
        select new TableRow($"{second.Name} less {first.Name}", RowOrigin.Paper, [new TableCell(isSure ? PaperComparison.Verified : PaperComparison.Unverified), .. cells, average]);

    private static bool IsPair(PaperTable table, ModelTraits first, ModelTraits second) => table.Number switch
    {
        3 => first.Preferences == false && second == first with { Preferences = true },
        2 => first.Mixture == "v1" && second == first with { Mixture = "v2" },
        _ => first.Quantized == true && second == first with { Quantized = false },
    };

    private static TableCell Difference(PaperNumber first, PaperNumber second) =>
        TableCell.Signed(second.Value - first.Value, 1, mark: first.Certainty == PaperCertainty.Recalled || second.Certainty == PaperCertainty.Recalled ? null : second.Tag);
}
