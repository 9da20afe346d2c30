using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Statistics;
using Tulu2.Data.Statistics.Content;
using Tulu2.Data.Store;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Runs.Preparation;

namespace Tulu2.Cli.Commands;

/// <summary><c>data stats FILE...</c>: lengths, truncation, sources, turns, duplicates, languages, and the rows that training would leave out.</summary>
internal sealed class DataStatsCommand(Terminal terminal)
{
    private readonly Argument<string[]> _files = CommandBuilder.Arguments("FILE", "Row files, all instruction rows, all preference pairs or all unpaired preferences");
    private readonly EncodingFlags _flags = new();
    private readonly RowFlags _rows = new();
    private readonly Option<string?> _picture = CommandBuilder.Optional<string>("--picture", "Write the histogram as an SVG file");
    private readonly Option<string?> _html = CommandBuilder.Optional<string>("--html", "Write a page with the histograms of all sources and the tables");
    private readonly Option<string[]> _beside = CommandBuilder.Repeated("--beside", "With --html: other files to compare with, as one set; may be repeated");
    private readonly Option<string?> _leftOut = CommandBuilder.Optional<string>("--left-out", "Write the rows that would be left out to a file, one per line");
    private readonly Option<string?> _cache = CommandBuilder.Optional<string>("--cache", "Directory of the token store; TULU2_CACHE, else ~/.cache/tulu2");

    public Command Create() => CommandBuilder.Command("stats", "Lengths, truncation, sources, turns, duplicates, languages, and rows that training would leave out",
        [_files, .. _flags.Symbols, .. _rows.Learning, _picture, _html, _beside, _leftOut, _cache], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (names, html, beside) = (parsed.GetValue(_files)!, parsed.GetValue(_html), parsed.GetValue(_beside) ?? []);
        if (html is null && beside.Length > 0)
            throw new BadInputException($"--beside {beside[0]}", "is shown on the page, which is not asked for", "add --html FILE");
        var (_, encoder) = _flags.Read(parsed);
        List<string[]> patterns = [names, .. beside.Select(other => new[] { other })];
        var titles = Titles(patterns);
        var set = await ReadAsync(parsed, titles[0], names, encoder, parsed.GetValue(_leftOut), cancellation);
        foreach (var line in StatisticsText.Lines(set.Tokens, set.Content)) terminal.WriteHuman(line);
        if (parsed.GetValue(_picture) is { } picture) Write("picture", picture, HistogramPicture.Svg(set.Tokens.Histogram, "tokens in a sequence"));
        if (html is not null)
        {
            var sets = new List<DataPageSet> { set };
            for (var other = 1; other < patterns.Count; other++) sets.Add(await ReadAsync(parsed, titles[other], patterns[other], encoder, leftOut: null, cancellation));
            Write("page", html, DataPage.Render(sets));
        }
        if (terminal.Json) terminal.Output.WriteLine(StatisticsJson.Of(set.Tokens, set.Content));
        return ExitCode.Done;
    }

    private async Task<DataPageSet> ReadAsync(ParseResult parsed, string name, string[] patterns, ChatEncoder encoder, string? leftOut, CancellationToken cancellation)
    {
        List<DataFile> files = [.. patterns.SelectMany(FilePatterns.ExpandRows).Select(path => _rows.Of(parsed, path))];
        var kind = RowKinds.Of(files);
        if (RowFormats.Found(files, kind) is { } found) terminal.Say(found);
        var request = new TokenStoreRequest(
            Path.Combine(CacheDirectory.Of(parsed.GetValue(_cache)), "tokens"), files, encoder, kind, Environment.ProcessorCount);
        using var store = await ProgressDisplay.RunAsync(terminal, "tokenising", report =>
            TokenStore.Open(request, new StoreProgressReport(report), cancellation), cancellation);
        SayLeftOut(store.Report, leftOut);
        if (store.Items == 0) store.Report.ThrowIfUnusable(stopOnBadRows: false, stopOnBadFiles: false);
        var content = await ProgressDisplay.RunAsync(terminal, "counting", report =>
            ContentStatistics.Of(files, kind, store.Report.Faults, new RowProgress(report, store.Report.Rows), cancellation), cancellation);
        return new DataPageSet(name, DataStatistics.Of(store, encoder.MaxLength), content);
    }

    // The names of the files, unless two sets would have the same.
    private static IReadOnlyList<string> Titles(IReadOnlyList<string[]> sets)
    {
        var titles = sets.Select(patterns => Path.GetFileName(Path.TrimEndingDirectorySeparator(patterns[0])) + More(patterns)).ToList();
        return titles.Distinct().Count() == titles.Count ? titles : [.. sets.Select(patterns => patterns[0] + More(patterns))];

        static string More(string[] patterns) => patterns.Length == 1 ? "" : $" and {NumberText.Count(patterns.Length - 1, "other")}";
    }

    private void Write(string what, string path, string text)
    {
        AtomicFile.WriteAllText(path, text);
        terminal.WriteHuman($"{what}: {Path.GetFullPath(path)}");
    }

    private void SayLeftOut(StoreReport report, string? file)
    {
        foreach (var damage in report.DamagedFiles)
            terminal.Say($"damaged file: {damage.Location}: {damage.Reason}; training stops at it unless data.bad_files is keep_whole_rows");
        foreach (var line in RowFaultLines.Of(report.Faults, "would be left out: ", "--left-out FILE lists them all")) terminal.Say(line);
        if (file is not null)
            AtomicFile.WriteAllText(file, string.Concat(report.All.Select(fault => RowFaultLines.Line(fault) + "\n")));
    }

    private sealed class RowProgress(Action<ProgressSnapshot> report, long total) : IProgress<long>
    {
        // Often enough for a person.
        private const int Every = 256;

        public void Report(long value)
        {
            if (value % Every == 0 || value == total) report(new ProgressSnapshot(value, total) { Phase = "counting rows" });
        }
    }
}
