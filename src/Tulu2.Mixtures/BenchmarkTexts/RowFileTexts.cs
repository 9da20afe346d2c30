using Tulu2.Data.Benchmarks;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;
using Tulu2.Mixtures.Rows;

namespace Tulu2.Mixtures.BenchmarkTexts;

/// <summary>
/// Files of a person's own as a benchmark: <c>file:PATH</c>. The texts are those of named columns, which are questions; or else the turns of rows in any form
/// that <c>train</c> reads, answers being those of the assistant.
/// </summary>
internal static class RowFileTexts
{
    public const string Prefix = "file:";

    /// <summary>The files that a name <c>file:PATH</c> stands for; of another benchmark none.</summary>
    /// <exception cref="BadInputException">No file matches.</exception>
    public static IReadOnlyList<string> FilesOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) ? FilePatterns.ExpandRows(name[Prefix.Length..]) : [];

    /// <param name="path">A file, a pattern, or a directory.</param>
    /// <param name="columns">Names of columns; empty: none are named.</param>
    /// <exception cref="BadInputException">A file or a row cannot be used.</exception>
    public static IEnumerable<ItemTexts> Read(string path, IReadOnlyList<string> columns) =>
        FilePatterns.ExpandRows(path).SelectMany(file => columns.Count > 0 ? OfColumns(file, columns) : OfRows(file));

    private static IEnumerable<ItemTexts> OfColumns(string file, IReadOnlyList<string> columns)
    {
        foreach (var record in RecordReader.Open(file, new RecordColumns(columns, "name columns that it has by --item-column")))
        {
            var where = $"{file}:{record.Line}";
            if (record.Fault is { } fault) throw new BadInputException(where, fault, "correct the row");
            var item = new BenchmarkRecord(record.Element, record.Line, where);
            yield return new ItemTexts($"{Path.GetFileName(file)}:{record.Line}", [.. columns.Select(column => new ItemText(ItemPart.Question, item.Text(column)))]);
        }
    }

    private static IEnumerable<ItemTexts> OfRows(string file)
    {
        var reader = new RowTurnReader(file);
        foreach (var record in reader.Records())
        {
            var (row, fault) = reader.Convert(record, reader.SourceOf(record));
            if (row is null) throw new BadInputException($"{fault!.Location}", fault.Reason, "correct the row; or name the columns of the items by --item-column");
            yield return new ItemTexts(row.Id, [.. row.Turns.Select(turn => new ItemText(turn.IsPrompt ? ItemPart.Question : ItemPart.Answer, turn.Text))]);
        }
    }
}
