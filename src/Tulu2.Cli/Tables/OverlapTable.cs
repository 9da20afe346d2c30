using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Data.Rows;
using Tulu2.Files;
using Tulu2.Mixtures.Decontamination;

namespace Tulu2.Cli.Tables;

/// <summary>The overlap of rows with benchmarks, for people.</summary>
internal static class OverlapTable
{
    public static void Write(Terminal terminal, DecontaminationRequest request, DecontaminationResult result)
    {
        var bad = request.To is null ? "cannot be used" : "left out";
        foreach (var fault in result.BadRows) terminal.Say($"{bad}: {RowFaultLines.Line(fault)}");
        if (result.Bad > result.BadRows.Count) terminal.Say($"{bad}: {NumberText.Count(result.Bad - result.BadRows.Count, "more row")}");
        var benchmarks = Columns("benchmark", "items", "too short", "items touched", "rows touched", "n-grams", "shared");
        foreach (var one in result.Benchmarks)
            Row(benchmarks, one.Name, one.Items, one.TooShort, one.ItemsTouched, one.RowsTouched, one.NGrams, one.NGramsShared);
        terminal.Human.Write(benchmarks);
        var datasets = Columns("dataset", "rows", "touched");
        foreach (var one in result.Datasets) Row(datasets, one.Name, one.Read, one.Touched);
        terminal.Human.Write(datasets);
        var files = Columns("file", "read", "touched", "removed", "bad", "kept");
        foreach (var one in result.Files) Row(files, one.File, one.Read, one.Touched, one.Removed, one.Bad, one.Kept);
        if (result.Files.Count > 1) Row(files, "all", result.Read, result.Touched, result.Removed, result.Bad, result.Kept);
        terminal.Human.Write(files);
        foreach (var to in result.Files.Select(file => file.To).OfType<string>().Distinct()) terminal.WriteHuman($"kept rows: {to}");
        if (request.Report is { } report) terminal.WriteHuman($"report: {Path.GetFullPath(report)}");
    }

    private static Table Columns(string name, params string[] counts)
    {
        var table = new Table().AddColumns([name, .. counts]);
        foreach (var column in table.Columns.Skip(1)) column.RightAligned();
        return table;
    }

    private static void Row(Table table, string name, params long[] counts) => table.AddRow([Markup.Escape(name), .. counts.Select(count => NumberText.Count(count))]);
}
