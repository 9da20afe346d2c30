using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Mixtures.Building;

namespace Tulu2.Cli.Tables;

/// <summary>A finished mixture for people: what became of each source, beside the paper's numbers.</summary>
internal static class MixtureTable
{
    public static void Write(Terminal terminal, MixtureBuild built)
    {
        var after = built.Sources[0].Left.Select(left => left.After).ToList();
        var table = new Table().AddColumns(["source", "records", "taken", "rows", .. after.Select(name => $"after {name}"), "mixture", "paper"]);
        foreach (var column in table.Columns.Skip(1)) column.RightAligned();
        foreach (var source in built.Sources) table.AddRow(Row(source));
        table.AddRow(Sums(built, after.Count));
        terminal.Human.Write(table);
        foreach (var source in built.Sources)
            foreach (var (slip, times) in source.Slips) terminal.WriteHuman($"slip of the original, {source.Name}: {slip}: {NumberText.Count(times)}");
        if (built.Rejected > 0)
            terminal.WriteHuman($"left out: {Path.Combine(built.Folder, "rejected.ndjson")} ({NumberText.Count(built.Rejected, "entry", "entries")})");
        terminal.WriteHuman($"mixture: {built.Folder}: {NumberText.Count(built.Rows, "row")} in {NumberText.Count(built.Shards.Count, "file")}");
    }

    private static string[] Row(SourceCounts source) =>
    [
        Markup.Escape(source.Name), Count(source.Records), Count(source.Taken), Count(source.Converted), .. source.Left.Select(left => Count(left.Rows)),
        Count(source.Kept), source.PaperFinal is { } paper ? Count(paper) : "",
    ];

    private static string[] Sums(MixtureBuild built, int filters) =>
    [
        "all", "", "", Count(built.Sources.Sum(source => source.Converted)),
        .. Enumerable.Range(0, filters).Select(at => Count(built.Sources.Sum(source => source.Left[at].Rows))), Count(built.Rows),
        built.Sources.All(source => source.PaperFinal is not null) ? Count(built.Sources.Sum(source => (long)source.PaperFinal!)) : "",
    ];

    private static string Count(long number) => NumberText.Count(number);
}
