using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Tulu2.Mixtures.BenchmarkTexts;
using Tulu2.Mixtures.Decontamination;
using Tulu2.Mixtures.Overlaps;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>data decontaminate FILE... --against NAMES</c>: rows that overlap with benchmarks, and the rows without them.</summary>
internal sealed class DataDecontaminateCommand(Terminal terminal)
{
    private enum BadRows { Stop, Skip }

    private static readonly string[] PartNames = [.. Enum.GetValues<ItemPart>().Select(Name)];

    private readonly Argument<string[]> _files = CommandBuilder.Arguments("FILE", "Row files, or directories of them; instruction rows and preference pairs");
    private readonly RowFlags _rows = new();

    private readonly Option<string[]> _against = new("--against")
    {
        Description = $"Benchmarks, joined by commas: {string.Join(", ", BenchmarkTextSources.Names)}; {BenchmarkTextSources.Every}; file:PATH for rows of your own",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _data = CommandBuilder.Optional<string>("--data", "Directory with a directory for each benchmark; docs/data.md lists their files");
    private readonly Option<string?> _to = CommandBuilder.Optional<string>("--to",
        "Write the rows without overlap, unchanged: to a directory, or to one file that ends in .jsonl.gz, .jsonl or .parquet");
    private readonly Option<string?> _report = CommandBuilder.Optional<string>("--report", "Write a JSON line for each row and benchmark that overlap");
    private readonly Option<string[]> _itemColumn = CommandBuilder.Repeated("--item-column", "Column with a text of an item of file:PATH; by default its rows are read as training reads them");
    private readonly Option<string[]> _part = CommandBuilder.Repeated("--part", $"Parts of an item that count, joined by commas: {string.Join(", ", PartNames)}; by default all");
    private readonly Option<ComparedTurns> _turns = CommandBuilder.Option("--turns", "Turns of a row that are compared: all, user (with system), or assistant", ComparedTurns.All);
    private readonly Option<int> _ngram = CommandBuilder.Option("--ngram", "Consecutive words that make an overlap", OverlapRule.DefaultLength);
    private readonly Option<BadRows> _badRows = CommandBuilder.Option("--bad-rows", "Rows that cannot be read: stop, or skip to count them and leave them out", BadRows.Stop);
    private readonly Option<int> _threads = CommandBuilder.Option("--threads", "Threads at work; the result is the same for any number", Environment.ProcessorCount);

    public Command Create() => CommandBuilder.Command("decontaminate", "Report rows that share 13 consecutive words with a benchmark's items, or remove them",
        [_files, _against, _data, _to, _report, .. _rows.Reading, _itemColumn, _part, _turns, _ngram, _badRows, _threads], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var request = Request(parsed);
        if (RowFormats.Found(request.Files) is { } found) terminal.Say(found);
        // An interrupt waits for the next batch to end: then unfinished files are removed.
        var result = await ProgressDisplay.RunAsync(terminal, "comparing", report =>
            new Decontaminator(request, now => report(Snapshot(now))).Run(cancellation), CancellationToken.None);
        OverlapTable.Write(terminal, request, result);
        if (terminal.Json) terminal.Output.WriteLine(Json(request, result));
        return ExitCode.Done;
    }

    private DecontaminationRequest Request(ParseResult parsed)
    {
        var length = parsed.GetValue(_ngram);
        if (length is < 1 or > OverlapRule.MostLength) throw new BadInputException("--ngram", $"{length} is not between 1 and {OverlapRule.MostLength}", "use 13, as GPT-3's check did");
        return new DecontaminationRequest(
            [.. parsed.GetValue(_files)!.SelectMany(FilePatterns.ExpandRows).Distinct().Select(path => _rows.Of(parsed, path))],
            [.. parsed.GetValue(_against)!.SelectMany(Names)], parsed.GetValue(_data))
        {
            ItemColumns = parsed.GetValue(_itemColumn) ?? [],
            Parts = parsed.GetValue(_part) is { Length: > 0 } parts ? [.. parts.SelectMany(Names).Select(Part)] : Enum.GetValues<ItemPart>(),
            Rule = OverlapRule.Of(length),
            Turns = parsed.GetValue(_turns),
            To = parsed.GetValue(_to),
            Report = parsed.GetValue(_report),
            SkipBadRows = parsed.GetValue(_badRows) == BadRows.Skip,
            Threads = CommandBuilder.AtLeastOne(parsed, _threads),
        };
    }

    // A path may have a comma in it.
    private static IEnumerable<string> Names(string text) => text.StartsWith("file:", StringComparison.Ordinal) ? [text]
        : text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static string Name(ItemPart part) => part.ToString().ToLowerInvariant();

    private static ItemPart Part(string name) => Array.IndexOf(PartNames, name) is >= 0 and var at ? Enum.GetValues<ItemPart>()[at]
        : throw new BadInputException($"--part {name}", "is no part of an item", $"use some of {string.Join(", ", PartNames)}");

    private static ProgressSnapshot Snapshot(DecontaminationProgress now) =>
        now.Rows == 0 ? new(now.Items, 0) { Phase = "benchmark items" } : new(now.Rows, 0) { Phase = "rows" };

    private static string Json(DecontaminationRequest request, DecontaminationResult result) => JsonLine.Of(new
    {
        result.Read,
        result.Kept,
        result.Removed,
        result.Bad,
        result.Touched,
        Ngram = request.Rule.Length,
        request.Report,
        result.Benchmarks,
        result.Files,
        result.Datasets,
    });
}
